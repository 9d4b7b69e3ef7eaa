package mon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/cib"
)

const small = `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config/>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
    <resources>
      <primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr"/>
      <primitive id="web" class="lsb" type="httpd"/>
    </resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
      <lrm id="1"><lrm_resources>
        <lrm_resource id="ip" class="ocf" provider="heartbeat" type="IPaddr">
          <lrm_rsc_op id="ip_last_0" operation_key="ip_start_0" operation="start" transition-key="1:1:0:x" call-id="3" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
  </status>
</cib>`

func smallCIB(t testing.TB) *cib.Element {
	t.Helper()
	root, err := cib.Parse([]byte(small), "small")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// control matches what moves the cursor, clears and colours.
var control = regexp.MustCompile(`\x1b\[[0-9]*[A-Za-z]`)

func TestScreen(t *testing.T) {
	s := &screen{}
	if d := s.draw(time.Now(), 80, 24); !strings.Contains(d, "Waiting for the cluster daemon") {
		t.Errorf("before the first picture: %q", d)
	}
	s.pic = picture{err: errors.New("the daemon is away")}
	if d := s.draw(time.Now(), 80, 24); !strings.Contains(d, "the daemon is away") || !strings.Contains(d, "Trying again") {
		t.Errorf("without a daemon: %q", d)
	}
	now := time.Now()
	s.pic = picture{root: smallCIB(t), at: now.Add(-7 * time.Second)}
	if d := s.draw(now, 80, 24); !strings.Contains(d, "Active Resources:") || strings.Contains(d, "web") {
		t.Errorf("the picture: %q", d)
	}
	if s.key('r') {
		t.Error("r quits")
	}
	if d := s.draw(now, 80, 24); !strings.Contains(d, "Full List of Resources:") || !strings.Contains(d, "web (lsb:httpd):     Stopped") {
		t.Errorf("with r: %q", d)
	}
	// An old picture says that it is old.
	s.pic.err = errors.New("connection lost")
	if d := s.draw(now, 80, 24); !strings.Contains(d, "connection lost") || !strings.Contains(d, "7s old") {
		t.Errorf("an old picture: %q", d)
	}
	s.pic.err = nil
	for _, size := range [][2]int{{10, 5}, {1, 1}, {0, 0}, {200, 3}} {
		for i := 0; i < 40; i++ {
			s.key('j')
			d := s.draw(now, size[0], size[1])
			lines := strings.Split(d, "\r\n")
			if len(lines) > max(size[1], 2) {
				t.Errorf("%v: %d lines", size, len(lines))
			}
			for _, l := range lines {
				l = control.ReplaceAllString(l, "")
				if len([]rune(l)) > size[0] {
					t.Errorf("%v: line of %d: %q", size, len(l), l)
				}
			}
		}
	}
	if !s.key('q') || !s.key(3) {
		t.Error("q and ^C do not quit")
	}
}

func TestFit(t *testing.T) {
	if got := fit("a\tb\x1b[31mred\u009b", 40); got != "a       b?[31mred?" {
		t.Errorf("%q", got)
	}
}

// fake is a Source whose pictures the test sends.
type fake struct{ pics chan *cib.Element }

func (f *fake) Document(context.Context) (*cib.Element, error) { return <-f.pics, nil }
func (f *fake) Close() error                                   { return nil }
func (f *fake) Watch(ctx context.Context, show func(*cib.Element) bool) error {
	for {
		select {
		case p, ok := <-f.pics:
			if !ok {
				return errors.New("gone away")
			}
			if !show(p) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// openPTY returns both ends of a pseudo-terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { m.Close() })
	if err := unix.IoctlSetPointerInt(int(m.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("SKIPPED: no pseudo-terminals here: %v", err)
	}
	n, err := unix.IoctlGetInt(int(m.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo-terminals here: %v", err)
	}
	s, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	if err := unix.IoctlSetWinsize(int(s.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return m, s
}

// TestLive runs the whole loop on a pseudo-terminal.
func TestLive(t *testing.T) {
	master, slave := openPTY(t)
	seen := make(chan string, 1000)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			seen <- string(buf[:n])
		}
	}()
	all := ""
	await := func(want string) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for !strings.Contains(all, want) {
			select {
			case s := <-seen:
				all += s
			case <-deadline:
				t.Fatalf("never saw %q; saw %q", want, all)
			}
		}
		all = all[strings.Index(all, want)+len(want):]
	}
	f := &fake{pics: make(chan *cib.Element)}
	done := make(chan error, 1)
	b := Backend{Dial: func() (Source, error) { return f, nil }, Extra: func(context.Context) []Section {
		return []Section{{Title: "Quorum", Lines: []string{"one of two votes"}}}
	}}
	go func() { done <- live(context.Background(), slave, slave, b, Options{}, time.Hour) }()
	await("Waiting for the cluster daemon")
	f.pics <- smallCIB(t)
	await("Active Resources:")
	await("one of two votes")
	if _, err := master.WriteString("r"); err != nil {
		t.Fatal(err)
	}
	await("Full List of Resources:")
	close(f.pics)
	await("gone away")
	await("old. Trying again")
	if _, err := master.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	await("\x1b[?1049l") // back on the first screen
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("q does not quit")
	}
}
