package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/seedrow"
)

// article is where listing 4 is taken from.
const article = "../../../shared/seeds/003_6e572dc9cfb0c729.txt"

// listing4 returns the CIB of the article as published: its closing tags have
// lost their slash.
func listing4(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(article)
	if err != nil {
		t.Skipf("SKIPPED: the article is not here: %v", err)
	}
	text := string(b)
	from := strings.Index(text, " <cib admin_epoch=")
	if from < 0 {
		t.Fatalf("%s has no listing 4", article)
	}
	end := regexp.MustCompile(`(?m)^  <cib>\n`).FindStringIndex(text[from:])
	if end == nil {
		t.Fatalf("%s: listing 4 does not end", article)
	}
	return text[from : from+end[1]]
}

// repaired gives the closing tags of the listing their slash: a tag without
// attributes that opens nothing new closes.
func repaired(t *testing.T, damaged string) string {
	t.Helper()
	tag := regexp.MustCompile(`<([a-z_]+)( [^>]*?)?(/?)>`)
	var open []string
	out := tag.ReplaceAllStringFunc(damaged, func(s string) string {
		m := tag.FindStringSubmatch(s)
		switch {
		case m[3] == "/":
		case m[2] == "" && slices.Contains(open, m[1]):
			if open[len(open)-1] != m[1] {
				t.Fatalf("</%s> within <%s>", m[1], open[len(open)-1])
			}
			open = open[:len(open)-1]
			return "</" + m[1] + ">"
		default:
			open = append(open, m[1])
		}
		return s
	})
	if len(open) > 0 {
		t.Fatalf("%v stay open", open)
	}
	if _, err := cib.Parse([]byte(out), "listing 4, repaired"); err != nil {
		t.Fatal(err)
	}
	return out
}

// listing3 returns the ha.cf of the article, unchanged.
func listing3(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(article)
	if err != nil {
		t.Skipf("SKIPPED: the article is not here: %v", err)
	}
	text := string(b)
	from, to := strings.Index(text, " # Log to syslog as facility"), strings.Index(text, " crm yes\n")
	if from < 0 || to < from {
		t.Fatalf("%s has no listing 3", article)
	}
	return text[from : to+len(" crm yes\n")]
}

// TestArticleHaCf: the article's ha.cf starts a daemon as it is.
func TestArticleHaCf(t *testing.T) {
	seedrow.Shows(t, "003-009", "003-016")
	t.Parallel()
	text := listing3(t)
	c := newCluster(t, "litsha21")
	c.write("litsha21", "/etc/ha.d/ha.cf", text, 0o600)
	c.start()
	c.logged("litsha21", "info: Configuration validated. Starting heartbeat")
	c.logged("litsha21", "/usr/lib/heartbeat/pingd is answered by the built-in pingd")
	for name, value := range map[string]string{"keepalive": "3", "warntime": "5", "deadtime": "10", "crm": "yes"} {
		c.becomes("litsha21", 0, value+"\n", "cl_status", "hbparameter", "-p", name)
	}
	c.stop("litsha21")
	if log := c.log("litsha21"); len(matching(log, "ERROR")) > 0 {
		t.Errorf("a start and a stop in order log errors:\n%s", log)
	}
}

const cibFile = "/var/lib/heartbeat/crm/cib.xml"

// configuration returns what a node holds as configuration.
func (c *cluster) configuration(name string) string {
	return c.ok(name, "cibadmin", "-Q", "-o", "configuration")
}

// same waits until all members named show the same document, status and
// version with it.
func (c *cluster) same(names ...string) {
	c.t.Helper()
	c.until("the same document on all nodes", func() (bool, string) {
		first := cibOf(c, names[0])
		for _, name := range names[1:] {
			if other := cibOf(c, name); other != first {
				return false, names[0] + ":\n" + first + name + ":\n" + other
			}
		}
		return true, ""
	})
}

func cibOf(c *cluster, name string) string {
	return c.ok(name, "cibadmin", "-Q")
}

// TestArticleCIB: the repaired listing on one node only becomes the cluster's
// configuration, and the cluster does what it says.
func TestArticleCIB(t *testing.T) {
	seedrow.Shows(t, "000-018", "002-008", "002-009", "002-011", "002-014", "002-026", "002-027", "002-062", "003-012", "003-017", "003-027", "003-036", "003-037", "003-038", "003-039", "003-042", "003-043", "003-046", "003-070", "003-074", "003-077", "003-083", "003-086", "003-115", "003-020")
	t.Parallel()
	text := repaired(t, listing4(t))
	c := newCluster(t)
	c.write("litsha22", cibFile, text, 0o600)
	c.start()
	c.owned(floating, "litsha21")
	c.formed(directors...)
	c.sub("the plan in the log", func(t *testing.T, c *cluster) {
		dc := c.dc(directors...)
		c.inOrder(dc, "determine_online_status: Node litsha21 is online", "StartRsc: litsha21 Start IPaddr_1", "stage8: Created transition graph",
			"Initiating action", "IPaddr_1_start_0 on litsha21", "(Complete=")
	})

	c.sub("configuration", func(t *testing.T, c *cluster) {
		c.same(directors...)
		root, err := cib.Parse([]byte(c.configuration("litsha23")), "cibadmin -Q")
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		root.Walk(func(e *cib.Element) bool {
			if id := e.ID(); id != "" {
				if ids[id] {
					t.Errorf("the id %s occurs twice", id)
				}
				if strings.Contains(id, ":") {
					t.Errorf("the id %s is none in today's dialect", id)
				}
				ids[id] = true
			}
			return true
		})
		if len(root.First("nodes").All("node")) != 3 {
			t.Errorf("nodes of the article and of the cluster are not the same: %s", cib.Print(root.First("nodes")))
		}
		// The references follow.
		for _, l := range root.First("constraints").All("rsc_location") {
			if !ids[l.Get("rsc")] {
				t.Errorf("location %s refers to %q, which does not exist", l.ID(), l.Get("rsc"))
			}
		}
		for _, old := range []string{"my_resource:connected", "my_resource:connected:rule", "my_resource:connected:expr:defined",
			"standby-01ca9c3e-8876-4db5-ba33-a25cd46b72b3", "standby-dc9a784f-3325-4268-93af-96d2ab651eac", "standby-114f3ad1-f18a-4bec-9f01-7ecc4d820f6c"} {
			c.logged("litsha22", cibFile, "the id "+old+" ", "now ")
		}
	})
	c.sub("crm_mon", func(t *testing.T, c *cluster) {
		for _, name := range directors {
			c.says(name, []string{"crm_mon", "-1"}, "Online: [ litsha21 litsha22 litsha23 ]", "Current DC: litsha",
				"IPaddr_1\t(ocf:heartbeat:IPaddr):\t Started litsha21", "partition with quorum",
				"Stack: quorate", " (version "+strings.Fields(c.ok(name, "quorate", "--version"))[1]+") - partition with quorum",
				"Last updated: ", "Last change:  ", "3 nodes configured", "1 resource instance configured")
		}
	})
	c.sub("the address in the kernel", func(t *testing.T, c *cluster) {
		out := c.ok("litsha21", "ip", "-o", "-4", "addr", "show", "dev", "eth0")
		for _, text := range []string{"192.168.71.205/24 brd 192.168.71.255 ", "secondary dynamic eth0:0", "192.168.71.201/24"} {
			if !strings.Contains(out, text) {
				t.Errorf("eth0 of litsha21 lacks %q:\n%s", text, out)
			}
		}
	})
	c.commands()
	c.stops()
}

// TestDamagedArticleCIB: the listing as published is refused by the daemon and
// by cibadmin, and changes nothing.
func TestDamagedArticleCIB(t *testing.T) {
	seedrow.Shows(t, "003-027")
	t.Parallel()
	damaged := listing4(t)
	c := newCluster(t, "litsha21")
	c.write("litsha21", cibFile, damaged, 0o600)
	r := c.run("litsha21", "quorate", "run")
	oneSentence(t, r, 6, cibFile+":", "slash")
	// A line number follows, and the file stays.
	if !regexp.MustCompile(regexp.QuoteMeta(cibFile) + `:\d+: `).MatchString(r.err) {
		t.Errorf("no line number: %v", r)
	}
	if got := c.ok("litsha21", "cat", cibFile); got != damaged {
		t.Errorf("the refused file was changed:\n%s", got)
	}
}

// inOrder waits for texts that follow one another in the log of a daemon.
func (c *cluster) inOrder(name string, texts ...string) {
	c.t.Helper()
	c.until("these texts in order in the log of "+name, func() (bool, string) {
		rest := c.log(name)
		for _, text := range texts {
			i := strings.Index(rest, text)
			if i < 0 {
				return false, text + " does not follow\n" + c.log(name)
			}
			rest = rest[i+len(text):]
		}
		return true, ""
	})
}
