// The files of the lab, as they are written into its working folder: two Dockerfiles and a Go web server.

/** Four stages: what each of them does can be seen in the output, and what is left of it in the image. */
const STAGES = `# base: what every other stage needs
FROM busybox AS base
RUN echo "adding dependencies" && mkdir /app && echo "libraries" > /app/dependencies.txt

# build: compiles; its tools and intermediate files stay here
FROM base AS build
RUN echo "compiling" && echo "the program" > /app/program.txt

# test: needs what was built, and nothing needs it
FROM build AS test
RUN echo "testing" && test -s /app/program.txt && echo "all tests passed" > /app/report.txt
CMD ["cat", "/app/report.txt"]

# the last stage is the image: base, and the one file copied out of build
FROM base
COPY --from=build /app/program.txt /app/program.txt
CMD ["cat", "/app/program.txt"]
`;

const WHOAMI_DOCKERFILE = `# the SDK: about 630 MB that only the build needs
FROM golang:1.19-bookworm AS build
WORKDIR /src
COPY go.mod main.go ./
RUN CGO_ENABLED=0 go build -ldflags="-s -w" -o /whoami .

# scratch is the empty image: one file and its settings
FROM scratch
COPY --from=build /whoami /whoami
EXPOSE 80
ENTRYPOINT ["/whoami"]
`;

const GO_MOD = `module whoami

go 1.19
`;

const WHOAMI = `package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sort"
)

func whoami(w http.ResponseWriter, r *http.Request) {
	name, _ := os.Hostname()
	fmt.Fprintln(w, "Hostname:", name)
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok {
			fmt.Fprintln(w, "IP:", ip.IP)
		}
	}
	fmt.Fprintln(w, "RemoteAddr:", r.RemoteAddr)
	fmt.Fprintln(w, r.Method, r.URL, r.Proto)
	fmt.Fprintln(w, "Host:", r.Host)
	names := make([]string, 0, len(r.Header))
	for n := range r.Header {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		for _, v := range r.Header[n] {
			fmt.Fprintf(w, "%s: %s\\n", n, v)
		}
	}
}

func main() {
	port := flag.Int("port", 80, "the port to listen on")
	flag.Parse()
	http.HandleFunc("/", whoami)
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	log.Printf("listening on port %d as user %d", *port, os.Getuid())
	log.Fatal(http.ListenAndServe(fmt.Sprintf(":%d", *port), nil))
}
`;

/** Path below the working folder → text. */
export const LAB_FILES: Readonly<Record<string, string>> = {
  'stages/Dockerfile': STAGES,
  'whoami/Dockerfile': WHOAMI_DOCKERFILE,
  'whoami/go.mod': GO_MOD,
  'whoami/main.go': WHOAMI,
};
