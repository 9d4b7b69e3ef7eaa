package cib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDowngradeOfConvertedFiles takes what haresources2cib of 2.0.7 wrote,
// upgrades it and expects to get it back.
func TestDowngradeOfConvertedFiles(t *testing.T) {
	files, _ := filepath.Glob("../../shared/reference/h2c-oracle/case-*[0-9].cib.xml")
	if len(files) == 0 {
		t.Skip("SKIPPED: ../shared/reference/h2c-oracle is absent, so there are no recorded files")
	}
	for _, name := range files {
		if strings.Contains(name, ".v213.") {
			// 2.1.3 wrote other names, which come back as those of 2.0.7.
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, filepath.Base(name))
		if err != nil {
			t.Fatal(err)
		}
		up, _, err := Upgrade(root)
		if err != nil {
			t.Fatal(err)
		}
		down, report, err := Downgrade(up)
		if err != nil {
			t.Fatal(err)
		}
		if !IsHeartbeat2(down) {
			t.Errorf("%s: the result is not Heartbeat 2", name)
		}
		for _, c := range report {
			if c.Kind == Dropped {
				t.Errorf("%s: %s", filepath.Base(name), c)
			}
		}
		got := facts(down)
		for k := range facts(root) {
			if !got[k] {
				t.Errorf("%s: lost on the way up and down: %s", filepath.Base(name), k)
			}
		}
		again, _, err := Upgrade(down)
		if err != nil {
			t.Fatal(err)
		}
		if !sameConfiguration(up, again) {
			t.Errorf("%s: a second upgrade gives something else:\n%s\n%s", filepath.Base(name), Print(up), Print(again))
		}
	}
}

// facts lists what a document says, without what the upgrade is known to drop
// or what stands in another place with the same meaning.
func facts(root *Element) map[string]bool {
	out := map[string]bool{}
	root.First("configuration").Walk(func(e *Element) bool {
		if strings.HasPrefix(e.ID(), "#") {
			// A word of a comment, which 2.0.7 took for a resource.
			return true
		}
		who := e.Name + " " + e.ID() + " "
		switch e.Name {
		case "nvpair":
			switch e.Get("name") {
			case "default_resource_failure_stickiness", "short_resource_names":
				return true
			}
		case "instance_attributes":
			who = "set " + e.ID() + " "
			if e.First("attributes").First("nvpair").Get("name") == "clone_max" {
				// The options of a clone come back as meta attributes.
				return true
			}
		}
		for _, a := range e.Attrs {
			switch {
			case a.Name == "provider" && e.Get("class") != "ocf", a.Name == "prereq" && e.Get("name") == "monitor":
			default:
				out[who+a.Name+"="+a.Value] = true
			}
		}
		return true
	})
	return out
}

// TestDowngradeOfUpgraded goes up, down and up again with the documents of the
// old dialect and expects the same options, members and constraints.
func TestDowngradeOfUpgraded(t *testing.T) {
	for _, name := range hb2Files(t) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(data, filepath.Base(name))
		if err != nil {
			continue
		}
		up, _, err := Upgrade(root)
		if err != nil {
			t.Fatal(err)
		}
		down, _, err := Downgrade(up)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := Upgrade(down)
		if err != nil {
			t.Fatal(err)
		}
		a, b := meaning(up), meaning(again)
		for k, v := range a {
			if b[k] != v {
				t.Errorf("%s: %s is %q, and was %q", filepath.Base(name), k, b[k], v)
			}
		}
		for k, v := range b {
			if _, ok := a[k]; !ok {
				t.Errorf("%s: %s is %q, and was not there", filepath.Base(name), k, v)
			}
		}
	}
}

// meaning lists what holds: the options of each thing, in which the first set
// wins, and all other attributes.
func meaning(root *Element) map[string]string {
	out := map[string]string{}
	var walk func(path string, e *Element)
	walk = func(path string, e *Element) {
		for _, c := range e.Children {
			switch c.Name {
			case "meta_attributes", "cluster_property_set":
				for _, nv := range c.All("nvpair") {
					k := path + " " + c.Name + " " + nv.Get("name")
					if _, ok := out[k]; !ok {
						out[k] = nv.Get("value")
					}
				}
				continue
			case CommentName:
				continue
			}
			p := path + "/" + c.Name + " " + c.ID()
			for _, a := range c.Attrs {
				out[p+" @"+a.Name] = a.Value
			}
			walk(p, c)
		}
	}
	walk("", root)
	return out
}
