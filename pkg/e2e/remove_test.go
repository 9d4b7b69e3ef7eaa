package e2e

import (
	"strings"
	"testing"
)

// A node that was stopped is taken out of the electorate and the configuration
// by one command, and is shown nowhere afterwards.
func TestRemoveNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.form()
	c.want("litsha21", 69, "", "crm_node", "-R", "litsha23", "--force")
	c.stop("litsha23")
	left := []string{"litsha21", "litsha22"}
	c.formed(left...)
	c.ok("litsha21", "crm_node", "--force", "-R", "LITSHA23")
	for _, name := range left {
		c.until("litsha23 is nowhere in the document of "+name, func() (bool, string) {
			r := c.run(name, "cibadmin", "-Q")
			return r.code == 0 && !strings.Contains(r.out, `uname="litsha23"`), r.String()
		})
		c.says(name, []string{"crm_mon", "-1"}, "2 nodes configured", "quorum: 200 of 200 votes")
		if list := c.ok(name, "crm_node", "-l"); strings.Contains(list, "litsha23") {
			t.Errorf("crm_node -l on %s: %s", name, list)
		}
	}
	c.want("litsha21", 68, "", "crm_node", "--force", "-R", "litsha23")
}
