package fake

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// readJSON reads one JSON document. It refuses unknown fields, and anything but
// white space after the document.
func readJSON(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return errors.New("the body is empty; JSON is needed")
	}
	if err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more text after the JSON")
	}
	return nil
}

func show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(v))
}

func showError(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(map[string]string{"error": err.Error()}))
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		showError(w, http.StatusBadRequest, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// limitOf reads ?limit=, which is 1 to 200. The default is 50.
func limitOf(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || n < 1 {
		return 50
	}
	return min(n, 200)
}
