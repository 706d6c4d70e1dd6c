package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// orderByAPI creates a device as any client of the API does. The key is the
// billing system's own: sent again with the same body, it finds the same device.
func orderByAPI(ctx context.Context, key, project, file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var device struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	if err := ask(ctx, http.MethodPost, "/projects/"+url.PathEscape(project)+"/devices", key, body, &device); err != nil {
		return err
	}
	for device.State != "active" {
		if device.State == "failed" {
			return fmt.Errorf("device %s has failed", device.ID)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := ask(ctx, http.MethodGet, "/devices/"+device.ID, "", nil, &device); err != nil {
			return err
		}
	}
	fmt.Println(device.ID)
	return nil
}

// report is what Millwright says of a period. Prices are the billing system's.
type report struct {
	Final   bool
	Records []struct {
		ID, Kind, Project, Plan, Unit string
		Seconds                       int64
		Count, Bytes                  uint64
	}
}

// printUsage takes each record once, by its ID: a system that keeps them may
// ask for a month as often as it likes, and write each record over itself.
func printUsage(ctx context.Context, month string) error {
	var r report
	if err := ask(ctx, http.MethodGet, "/usages?month="+url.QueryEscape(month), "", nil, &r); err != nil {
		return err
	}
	for _, u := range r.Records {
		fmt.Printf("%s\t%s\t%s\t%s\t%d s of %d %s\t%d bytes\n", u.ID, u.Project, u.Kind, u.Plan, u.Seconds, u.Count, u.Unit, u.Bytes)
	}
	if !r.Final {
		fmt.Println("the month is not over: no invoice yet")
	}
	return nil
}

// ask sends a request, and reads its answer or what was wrong with it.
func ask(ctx context.Context, method, path, key string, body []byte, into any) error {
	base := strings.TrimSuffix(either("MILLWRIGHT_API", "http://127.0.0.1:8080/metal/v1"), "/")
	request, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Auth-Token", os.Getenv("MILLWRIGHT_TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s (request %s)", method, path, answer.Status, text, answer.Header.Get("X-Request-Id"))
	}
	return json.Unmarshal(text, into)
}
