package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quorate/quorate/pkg/seedrow"
)

// TestForeignNodes: what does not belong to the cluster does not join, and the
// nodes say why.
func TestForeignNodes(t *testing.T) {
	seedrow.Shows(t, "001-008", "002-042", "004-011")
	t.Parallel()
	c := newCluster(t)
	two := []string{"litsha21", "litsha22"}
	c.start(two...)
	c.formed(two...)

	// stranger starts litsha23 with files of its own and waits until the log of
	// litsha21 says why it stays outside.
	stranger := func(name, file, old, new, why string) {
		c.sub(name, func(t *testing.T, c *cluster) {
			text := map[string]string{"ha.cf": hacf, "authkeys": authkeys}
			for f, v := range text {
				if f == file {
					v = strings.Replace(v, old, new, 1)
				}
				c.write("litsha23", "/etc/ha.d/"+f, v, 0o600)
			}
			before := len(matching(c.log("litsha21"), why))
			c.start("litsha23")
			c.until(fmt.Sprintf("%q in the log of litsha21", why), func() (bool, string) {
				log := c.log("litsha21")
				return len(matching(log, why, "192.168.68.203")) > before, log
			})
			// It has had its time: it has given the others up.
			c.until("litsha23 believes to be alone", func() (bool, string) {
				log := c.log("litsha23")
				lives := len(matching(log, "Configuration validated"))
				return len(matching(log, "node litsha21: is dead")) == lives && len(matching(log, "node litsha22: is dead")) == lives, log
			})
			c.formed(two...)
			c.want("litsha23", 0, "0\n", "crm_node", "-q")
			// It is said now and then, not for every frame.
			if n := len(matching(c.log("litsha21"), why)); n > before+2 {
				t.Errorf("it is said %d times:\n%s", n-before, c.log("litsha21"))
			}
			c.stop("litsha23")
		})
	}
	stranger("another key", "authkeys", "ca0e", "0000", "a wrong code: another key")
	stranger("a key of another number", "authkeys", "auth 1\n\n1 ", "auth 2\n2 ", "a key that is not in authkeys")
	stranger("another cluster", "ha.cf", "crm yes\n", "crm yes\ncluster other\n", "another cluster")

	c.sub("another protocol version", func(t *testing.T, c *cluster) {
		// The version is the third byte of a frame; the rest may be anything.
		const send = `printf 'QR\377\001garbage' >/dev/udp/192.168.68.201/694`
		for range 5 {
			c.ok("litsha23", "bash", "-c", send)
		}
		c.logged("litsha21", "another protocol version", "192.168.68.203")
		c.formed(two...)
		if n := len(matching(c.log("litsha21"), "another protocol version")); n != 1 {
			t.Errorf("five frames are worth one line, not %d", n)
		}
	})

	c.sub("ha.cf differs", func(t *testing.T, c *cluster) {
		c.write("litsha23", "/etc/ha.d/authkeys", authkeys, 0o600)
		c.write("litsha23", "/etc/ha.d/ha.cf", strings.Replace(hacf, "deadtime 1", "deadtime 1500ms", 1), 0o600)
		c.start("litsha23")
		c.formed(directors...)
		const sentence = "ha.cf of litsha23 differs from the one here"
		for _, name := range two {
			c.logged(name, sentence)
			c.says(name, []string{"crm_mon", "-1"}, "Problems", sentence)
			if n := len(matching(c.log(name), sentence)); n != 1 {
				t.Errorf("%s says it %d times", name, n)
			}
		}
		c.says("litsha23", []string{"crm_mon", "-1"}, "Problems", "ha.cf of litsha21 differs", "ha.cf of litsha22 differs")
	})
}
