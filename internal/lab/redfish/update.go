package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// imageLimit is above what images of a lab have, and far below real ones.
const imageLimit = 4 << 20

func updateService(*BMC) object {
	return resource(updatePath, "UpdateService.v1_8_0.UpdateService", "Update service", object{
		"ServiceEnabled": true, "FirmwareInventory": link(inventoryPath),
		"HttpPushUri": pushPath, "MultipartHttpPushUri": multipartPath, "MaxImageSizeBytes": imageLimit,
		"Actions": object{"#UpdateService.SimpleUpdate": object{
			"target": simplePath, "TransferProtocol@Redfish.AllowableValues": []string{"HTTP", "HTTPS"},
		}},
	})
}

// parameters go with a pushed image.
type parameters struct {
	Targets   []string
	ApplyTime string          `json:"@Redfish.OperationApplyTime"`
	Oem       json.RawMessage // nobody's business here
}

// check refuses targets and times that there are not.
func (p parameters) check() error {
	for _, target := range p.Targets {
		if _, backup, ok := component(path.Base(target)); !ok || backup || path.Dir(target) != inventoryPath {
			return fmt.Errorf("target %q: want a member of %s", target, inventoryPath)
		}
	}
	if !slices.Contains([]string{"", "Immediate", "OnReset", "OnStartUpdateRequest"}, p.ApplyTime) {
		return fmt.Errorf("operation apply time %q: want Immediate or OnReset", p.ApplyTime)
	}
	return nil
}

// pushUpdate takes the image as it is.
func pushUpdate(b *BMC, w http.ResponseWriter, r *http.Request, image []byte) {
	b.write(w, image, parameters{})
}

// pushMultipart takes UpdateParameters and UpdateFile.
func pushMultipart(b *BMC, w http.ResponseWriter, r *http.Request, body []byte) {
	_, form, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		refuse(w, http.StatusUnsupportedMediaType, "HeaderInvalid", "want multipart/form-data")
		return
	}
	var asked parameters
	var image []byte
	parts := multipart.NewReader(bytes.NewReader(body), form["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		content, _ := io.ReadAll(part) // it is in memory already
		switch part.FormName() {
		case "UpdateParameters":
			if !read(w, content, &asked) {
				return
			}
		case "UpdateFile":
			image = content
		}
	}
	if image == nil {
		refuse(w, http.StatusBadRequest, "ActionParameterMissing", "the form has no UpdateFile")
		return
	}
	b.write(w, image, asked)
}

// write begins to write an image. One that is none is found out by the task, as
// BMCs verify images after they have taken them.
func (b *BMC) write(w http.ResponseWriter, image []byte, asked parameters) {
	if err := asked.check(); err != nil {
		refuse(w, http.StatusBadRequest, "ActionParameterValueNotInList", err.Error())
		return
	}
	t := &task{waits: asked.ApplyTime == "OnReset"}
	var err error
	if t.which, t.version, err = parseFirmware(image); err != nil {
		t.wrong = err.Error()
	}
	b.accept(w, t)
}

// accept answers with the task that it begins. Two at once are more than BMCs do.
func (b *BMC) accept(w http.ResponseWriter, t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.ContainsFunc(b.tasks, func(t *task) bool { return !t.settled }) {
		refuse(w, http.StatusServiceUnavailable, "UpdateInProgress", "an update is under way")
		return
	}
	at := tasksPath + "/" + b.addTask(t).id
	w.Header().Set("Location", at)
	answer(w, http.StatusAccepted, b.taskView(t.id))
}

// simpleUpdate fetches the image itself; the backup image it has.
func simpleUpdate(b *BMC, w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct {
		ImageURI, TransferProtocol string
		parameters
	}
	if !read(w, body, &asked) {
		return
	}
	if at, id := path.Split(asked.ImageURI); strings.HasSuffix(at, inventoryPath+"/") {
		b.rollBack(w, r, id)
		return
	}
	image, err := fetch(r.Context(), asked.ImageURI)
	if err != nil {
		refuse(w, http.StatusBadRequest, "ResourceAtUriUnauthorized", err.Error())
		return
	}
	b.write(w, image, asked.parameters)
}

// fetchLimit is for an image of some bytes from a server beside the BMC.
const fetchLimit = 10 * time.Second

func fetch(ctx context.Context, uri string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, fmt.Errorf("ImageURI: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ImageURI: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ImageURI: the server answers %s", response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, imageLimit))
}

// activate answers the action that makes the backup image the running one.
func activate(b *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
	b.rollBack(w, r, path.Base(strings.TrimSuffix(r.URL.Path, activatePostfix)))
}

func (b *BMC) rollBack(w http.ResponseWriter, r *http.Request, id string) {
	which, backup, ok := component(id)
	if !ok || !backup {
		notFound(w, r)
		return
	}
	b.mu.Lock()
	previous := b.firmware[which].backup
	b.mu.Unlock()
	b.accept(w, &task{which: which, version: previous})
}
