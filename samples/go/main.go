// A link shortener: POST an address to /, and follow the code that it answers with.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func handler(l *links) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := strings.TrimPrefix(r.URL.Path, "/")
		switch {
		case r.Method == http.MethodPost && code == "":
			body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, 2048))
			added, err := l.add(strings.TrimSpace(string(body)))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, "/%s\n", added)
		case code == "":
			fmt.Fprintf(w, "links: %d\n", l.count())
		default:
			address, ok := l.find(code)
			if !ok {
				http.NotFound(w, r)
				return
			}
			http.Redirect(w, r, address, http.StatusFound)
		}
	})
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{Addr: ":" + port, Handler: handler(newLinks()), ReadHeaderTimeout: 5 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		server.Shutdown(context.Background())
	}()
	log.Printf("listening on %s", port)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
