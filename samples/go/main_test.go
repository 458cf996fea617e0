package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestShortensAndFollows(t *testing.T) {
	h := handler(newLinks())
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("https://example.com/long")))
	if answer.Code != http.StatusCreated {
		t.Fatalf("POST answered %d", answer.Code)
	}
	follow := httptest.NewRecorder()
	h.ServeHTTP(follow, httptest.NewRequest(http.MethodGet, strings.TrimSpace(answer.Body.String()), nil))
	if got := follow.Header().Get("Location"); got != "https://example.com/long" {
		t.Fatalf("the code leads to %q", got)
	}
}

func TestRefusesWhatIsNoLink(t *testing.T) {
	for _, address := range []string{"", "example.com", "javascript:alert(1)", "ftp://example.com/"} {
		if _, err := newLinks().add(address); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}
