package daemon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/client"
)

// endless is one text again and again.
type endless struct{ text []byte }

func (e endless) Read(b []byte) (int, error) { return copy(b, e.text), nil }

// TestHugeRequestsAreRefused sends requests without an end to the socket of
// commands: each is refused with a sentence, at once where it is no request at
// all, else as soon as the limit is reached.
func TestHugeRequestsAreRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{ln: ln, log: slog.New(slog.DiscardHandler), handle: func(context.Context, caller, *client.Request, func(*client.Response) error) error {
		t.Error("a request was handled")
		return nil
	}}
	go s.serve(ctx)
	for _, c := range []struct {
		begin, more, want string
		most              int64
	}{
		{`{"verb":"`, "aaaaaaa", "longer than 256 MB", client.MaxLine + 8<<20},
		{`{"a":`, `{"a":`, "longer than 256 MB", client.MaxLine + 8<<20},
		{``, "<cib>", "does not begin with {", 8 << 20},
		{"\n ", "\x00", "does not begin with {", 8 << 20},
	} {
		conn, err := net.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		more := bytes.Repeat([]byte(c.more), (1<<20)/len(c.more))
		sent, _ := io.Copy(conn, io.LimitReader(io.MultiReader(strings.NewReader(c.begin), endless{more}), 1<<30))
		var resp client.Response
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		line, err := bufio.NewReader(conn).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &resp)
		}
		if err != nil || resp.Code == 0 || !strings.Contains(resp.Error, c.want) {
			t.Errorf("%s%s…: %v, code %d: %s", c.begin, c.more, err, resp.Code, resp.Error)
		}
		if sent > c.most {
			t.Errorf("%s%s…: %d bytes were taken", c.begin, c.more, sent)
		}
		t.Logf("%s%s…: %d MB and %v, then %q", c.begin, c.more, sent>>20, time.Since(begin), resp.Error)
		conn.Close()
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"verb":"cib"}` + "\n"))
	f.Add([]byte("\n\n {\"verb\":\"edit\",\"edit\":\"eyJ2ZXJiIjoiY3JlYXRlIn0=\"}"))
	f.Add([]byte("{\"attr\":{\"name\":\"a\"}}\n<cib/>\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), 16)
		for {
			line, err := readRequest(r)
			if err != nil {
				return
			}
			if len(line) == 0 || line[0] != '{' || !bytes.Contains(data, line) {
				t.Fatalf("%q is read from %q", line, data)
			}
			var req client.Request
			if json.Unmarshal(line, &req) != nil {
				return
			}
			if op, err := cib.DecodeOp(req.Edit); err == nil && len(cib.EncodeOp(op)) == 0 {
				t.Fatalf("%q", req.Edit)
			}
		}
	})
}
