package bmc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"millwright/internal/metal"
)

// uploadLimit is for images of 200 MB at the 1 MB/s that slow BMCs take.
const uploadLimit = 10 * time.Minute

func (s *redfishSession) beginUpdate(ctx context.Context, component string, image metal.FirmwareImage) (string, error) {
	v, err := s.look(ctx)
	if err != nil {
		return "", err
	}
	if task, err := v.underWay(ctx); err != nil || task != "" {
		return task, err
	}
	service, target, err := v.updatable(ctx, component)
	if err != nil {
		return "", err
	}
	before := s.wire.limit
	s.wire.limit = max(before, uploadLimit)
	defer func() { s.wire.limit = before }()
	var answer exchange
	switch {
	case service.MultipartURI != "" && image.Open != nil:
		answer, err = v.pushForm(ctx, service.MultipartURI, target, image)
	case service.PushURI != "" && image.Open != nil:
		answer, err = v.push(ctx, service.PushURI, image)
	case service.Actions.SimpleUpdate.Target != "" && image.URL != "":
		answer, err = v.fetchBy(ctx, service, target, image.URL)
	default:
		return "", fmt.Errorf("the BMC takes no image in a way that this one can be given: %w", metal.ErrUnsupported)
	}
	if err != nil {
		return "", err
	}
	return taskOf(answer), nil
}

// updatable finds the update service, and the inventory's entry of a component.
func (v *visit) updatable(ctx context.Context, component string) (service updateService, target string, err error) {
	if v.root.UpdateService.ID == "" {
		return service, "", fmt.Errorf("the BMC has no update service: %w", metal.ErrUnsupported)
	}
	if err := v.get(ctx, v.root.UpdateService.ID, &service); err != nil {
		return service, "", err
	}
	if service.ServiceEnabled != nil && !*service.ServiceEnabled {
		return service, "", fmt.Errorf("the BMC's update service is switched off: %w", metal.ErrUnsupported)
	}
	items, err := v.inventoryItems(ctx)
	for _, item := range items {
		if !previous(item) && componentOf(item, v) == component {
			return service, item.Path, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("the BMC lists no firmware %q: %w", component, metal.ErrUnsupported)
	}
	return service, "", err
}

// at is where an image is pushed: some BMCs give a whole URL.
func at(uri string) string {
	if u, err := url.Parse(uri); err == nil && u.Host != "" {
		return u.RequestURI()
	}
	return uri
}

func (v *visit) push(ctx context.Context, uri string, image metal.FirmwareImage) (exchange, error) {
	body, err := image.Open()
	if err != nil {
		return exchange{}, blameless{fmt.Errorf("image %s: %w", image.Name, err)}
	}
	defer body.Close()
	return v.send(ctx, ask{method: http.MethodPost, path: at(uri), contentType: "application/octet-stream", body: body, size: image.Size})
}

// pushForm sends parameters and image as a form (DSP0266, multipart HTTP push
// update). Its length is said beforehand: iDRACs refuse chunks.
func (v *visit) pushForm(ctx context.Context, uri, target string, image metal.FirmwareImage) (exchange, error) {
	head, foot, contentType, err := form(target, image.Name)
	if err != nil {
		return exchange{}, err
	}
	file, err := image.Open()
	if err != nil {
		return exchange{}, blameless{fmt.Errorf("image %s: %w", image.Name, err)}
	}
	defer file.Close()
	return v.send(ctx, ask{
		method: http.MethodPost, path: at(uri), contentType: contentType,
		body: io.MultiReader(bytes.NewReader(head), file, bytes.NewReader(foot)),
		size: int64(len(head)) + image.Size + int64(len(foot)),
	})
}

// form is what stands before and after the image.
func form(target, name string) (head, foot []byte, contentType string, err error) {
	var all bytes.Buffer
	parts := multipart.NewWriter(&all)
	parameters, err := parts.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="UpdateParameters"`}, "Content-Type": {"application/json"},
	})
	if err == nil {
		err = json.NewEncoder(parameters).Encode(map[string]any{"Targets": []string{target}, "@Redfish.OperationApplyTime": "Immediate"})
	}
	if err == nil {
		_, err = parts.CreateFormFile("UpdateFile", cmp.Or(name, "image.bin"))
	}
	split := all.Len()
	if err = cmp.Or(err, parts.Close()); err != nil {
		return nil, nil, "", fmt.Errorf("form of the update: %w", err)
	}
	return all.Bytes()[:split], all.Bytes()[split:], parts.FormDataContentType(), nil
}

// fetchBy has the BMC fetch the image.
func (v *visit) fetchBy(ctx context.Context, service updateService, target, from string) (exchange, error) {
	scheme, _, _ := strings.Cut(from, ":")
	body := map[string]any{"ImageURI": from, "TransferProtocol": strings.ToUpper(scheme)}
	if target != "" {
		body["Targets"] = []string{target}
	}
	return v.post(ctx, service.Actions.SimpleUpdate.Target, body)
}
