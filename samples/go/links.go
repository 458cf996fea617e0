package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"sync"
)

var errNotALink = errors.New("not an http or https link")

// links maps short codes to addresses.
type links struct {
	mu     sync.RWMutex
	byCode map[string]string
}

func newLinks() *links { return &links{byCode: map[string]string{}} }

// add returns the code of an address; the same address has the same code.
func (l *links) add(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", errNotALink
	}
	hash := fnv.New32a()
	hash.Write([]byte(address))
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := hash.Sum32(); ; n++ {
		code := fmt.Sprintf("%07x", n)
		if known, taken := l.byCode[code]; !taken || known == address {
			l.byCode[code] = address
			return code, nil
		}
	}
}

func (l *links) find(code string) (string, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	address, ok := l.byCode[code]
	return address, ok
}

func (l *links) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byCode)
}
