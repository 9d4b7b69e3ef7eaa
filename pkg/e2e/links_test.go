package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// withMedia is the ha.cf of the tests with other links.
func withMedia(media string) string {
	var out strings.Builder
	for line := range strings.Lines(hacf) {
		switch {
		case strings.HasPrefix(line, "ucast "):
			out.WriteString(media)
			media = ""
		default:
			out.WriteString(line)
		}
	}
	return out.String()
}

// TestMedia: whole daemons over each kind of link, several at once. A link may
// fail without consequences; the last one may not.
func TestMedia(t *testing.T) {
	seedrow.Shows(t, "000-009", "002-030", "002-031", "002-052", "002-054")
	t.Parallel()
	for name, m := range map[string]struct {
		lines string
		links []string
	}{
		"bcast and mcast": {"udp eth1\nmcast eth0 239.0.0.43 694 1 0\n", []string{"eth0", "eth1"}},
		"IPv6":            {"ucast6 eth1 fd68::201\nucast6 eth1 fd68::202\nucast6 eth1 fd68::203\nmcast6 eth0 ff02::694 694 1 0\n", []string{"eth0", "eth1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			for i, node := range directors {
				c.write(node, "/etc/ha.d/ha.cf", withMedia(m.lines), 0o600)
				for _, link := range m.links {
					c.ok(node, "ip", "addr", "add", prefix("fd68::%d/64", 201+i).String(), "dev", link, "nodad")
				}
			}
			c.form()
			for _, link := range m.links {
				c.logged("litsha21", "info: Link litsha23:"+link+" up.")
				c.becomes("litsha21", 0, "up\n", "cl_status", "hblinkstatus", "litsha23", link)
			}
			views := len(matching(c.log("litsha21"), "mem_handle_event: Got an event"))

			if err := c.nodes["litsha23"].Cut("eth1"); err != nil {
				t.Fatal(err)
			}
			c.logged("litsha21", "info: Link litsha23:eth1 dead.")
			c.becomes("litsha21", 1, "dead\n", "cl_status", "hblinkstatus", "litsha23", "eth1")
			c.until("both states in quorate links", func() (bool, string) {
				r := c.run("litsha21", "quorate", "links")
				words := strings.Join(strings.Fields(r.out), " ")
				return strings.Contains(words, "litsha23 eth0 up") && strings.Contains(words, "litsha23 eth1 dead"), r.String()
			})
			if n := len(matching(c.log("litsha21"), "mem_handle_event: Got an event")); n != views {
				t.Error("one cut of two links changed the view")
			}

			if err := c.nodes["litsha23"].Cut("eth0"); err != nil {
				t.Fatal(err)
			}
			c.logged("litsha21", "WARN: node litsha23: is dead")
			c.logged("litsha21", "info: Link litsha23:eth0 dead.")
			c.formed("litsha21", "litsha22")
			if err := c.nodes["litsha23"].Mend(); err != nil {
				t.Fatal(err)
			}
			c.formed(directors...)
		})
	}
}

// TestKeyRotation: keys change while the cluster runs, by SIGHUP and by command,
// and no view is lost. What is wrong changes nothing.
func TestKeyRotation(t *testing.T) {
	seedrow.Shows(t, "002-041")
	t.Parallel()
	const (
		first  = "1 sha1 ca0e08148801f55794b23461eb4106db\n"
		second = "2 aes-gcm another-secret-of-the-cluster\n"
	)
	c := newCluster(t)
	c.form()
	views := func() (n int) {
		for _, name := range directors {
			n += len(matching(c.log(name), "mem_handle_event: Got an event"))
		}
		return n
	}
	before := views()
	for step, text := range []string{"auth 1\n" + first + second, "auth 2\n" + first + second, "auth 2\n" + second} {
		for i, name := range directors {
			c.write(name, "/etc/ha.d/authkeys", text, 0o600)
			if i == 0 {
				lines := len(matching(c.log(name), "Keys replaced"))
				c.signal(name, syscall.SIGHUP)
				c.until("keys of "+name, func() (bool, string) {
					log := c.log(name)
					return len(matching(log, "Keys replaced")) == lines+1, log
				})
				continue
			}
			out := c.ok(name, "quorate", "reload")
			for _, part := range []string{"/etc/ha.d/authkeys: key ", " signs, ", "/etc/ha.d/ha.cf has not changed"} {
				if !strings.Contains(out, part) {
					t.Errorf("step %d on %s says %q", step, name, out)
				}
			}
			if strings.Contains(out, "is new here") {
				t.Errorf("step %d is in order, but: %s", step, out)
			}
		}
		// A whole deadtime of frames with these keys.
		c.beats(directors[0], 8)
	}
	c.formed(directors...)
	if n := views(); n != before {
		t.Errorf("%d events of the membership during the rotation", n-before)
	}
	for _, name := range directors {
		if out := c.ok(name, "quorate", "links"); !strings.Contains(out, "Dropped frames: none") {
			t.Errorf("%s dropped frames:\n%s", name, out)
		}
	}

	c.sub("refused", func(t *testing.T, c *cluster) {
		for _, bad := range []struct {
			text string
			mode os.FileMode
			why  string
		}{
			{"auth 2\n" + second, 0o644, "Bad permissions on keyfile [/etc/ha.d/authkeys]"},
			{"auth 3\n" + second, 0o600, "Auth Key [3] not found"},
		} {
			c.write("litsha22", "/etc/ha.d/authkeys", bad.text, bad.mode)
			r := c.run("litsha22", "quorate", "reload")
			if r.code != 78 || !strings.Contains(r.err, "reload refused, nothing has changed: ") || !strings.Contains(r.err, bad.why) {
				t.Errorf("want a refusal with %q: %v", bad.why, r)
			}
		}
		c.write("litsha22", "/etc/ha.d/authkeys", "auth 2\n"+second, 0o600)
		c.write("litsha22", "/etc/ha.d/ha.cf", hacf+"keepalives 2\n", 0o600)
		r := c.run("litsha22", "quorate", "reload")
		if r.code != 78 || !strings.Contains(r.err, "would be refused at the next start") || !strings.Contains(r.err, "did you mean keepalive?") {
			t.Errorf("want a refusal of ha.cf: %v", r)
		}
		c.write("litsha22", "/etc/ha.d/ha.cf", hacf, 0o600)
		if out := c.ok("litsha22", "quorate", "reload"); !strings.Contains(out, "authkeys has not changed") || !strings.Contains(out, "ha.cf has not changed") {
			t.Errorf("it says %q", out)
		}
		c.formed(directors...)
		if n := views(); n != before {
			t.Errorf("%d events of the membership by reloads that change nothing", n-before)
		}
	})
}
