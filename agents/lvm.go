package agents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// newLVM makes the agent of an LVM volume group.
func newLVM() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "LVM", shortdesc: "Controls the availability of an LVM volume group",
			longdesc: "Activates the logical volumes of a group and deactivates them again.",
			params: []metaParam{
				{name: "volgrpname", typ: "string", required: true, unique: true, shortdesc: "Volume group name"},
				{name: "exclusive", typ: "boolean", def: "false", shortdesc: "Exclusive activation", longdesc: "Whether the group carries a tag while it is active, and is only activated where it carries no other cluster's tag."},
				{name: "tag", typ: "string", def: "pacemaker", shortdesc: "Exclusive activation tag"},
				{name: "partial_activation", typ: "boolean", def: "false", shortdesc: "Activate a group that misses disks"},
			},
			actions: usualActions("30s", "30s", "30s", "10s", metaAction{name: "status", timeout: "30s"}),
		},
		args: []string{"volgrpname", "exclusive"},
		check: func(c *request) error {
			if vg := c.str("volgrpname"); strings.HasPrefix(vg, "-") || strings.ContainsAny(vg, "/ \t") {
				return badSpec("volgrpname=%q is not the name of a volume group", vg)
			}
			return nil
		},
		actions: map[string]action{"start": lvmStart, "stop": lvmStop, "monitor": lvmMonitor, "validate-all": func(ctx context.Context, c *request) error {
			_, err := vgTags(ctx, c)
			return err
		}},
	}
}

// vgTags asks for the group and returns its tags.
func vgTags(ctx context.Context, c *request) ([]string, error) {
	out, err := c.command(ctx, "vgs", "--noheadings", "-o", "vg_tags", c.str("volgrpname"))
	if exitCode(err) == 5 { // LVM's code for an object that is not there
		return nil, notInstalled("there is no volume group %s on this node: %v", c.str("volgrpname"), err)
	}
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(strings.TrimSpace(out), func(r rune) bool { return r == ',' }), nil
}

// activeVolumes counts the active volumes of the group, and all.
func activeVolumes(ctx context.Context, c *request) (active, all int, err error) {
	out, err := c.command(ctx, "lvs", "--noheadings", "-o", "lv_active", c.str("volgrpname"))
	if exitCode(err) == 5 {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(out) {
		if strings.TrimSpace(line) != "" {
			active++
		}
		all++
	}
	return active, all, nil
}

func lvmStart(ctx context.Context, c *request) error {
	vg, tag := c.str("volgrpname"), c.str("tag")
	tags, err := vgTags(ctx, c)
	if err != nil {
		return err
	}
	args := []string{"vgchange", "-a", "y"}
	if c.yes("partial_activation") {
		args = append(args, "--partial")
	}
	if c.yes("exclusive") {
		for _, t := range tags {
			if t != tag {
				return fmt.Errorf("volume group %s carries the tag %s, not %s: something else may use it", vg, t, tag)
			}
		}
		if !slices.Contains(tags, tag) {
			if _, err := c.command(ctx, "vgchange", "--addtag", tag, vg); err != nil {
				return err
			}
		}
		args = append(args, "--config", "activation { volume_list = [ \"@"+tag+"\" ] }")
	}
	if _, err := c.command(ctx, append(args, vg)...); err != nil {
		return fmt.Errorf("activating volume group %s: %w", vg, err)
	}
	active, all, err := activeVolumes(ctx, c)
	if err == nil && all == 0 {
		return fmt.Errorf("volume group %s holds no volumes: there is nothing to activate", vg)
	}
	if err != nil || active < all {
		return errors.Join(err, fmt.Errorf("%d of %d volumes of group %s are active after activating it", active, all, vg))
	}
	return nil
}

func lvmStop(ctx context.Context, c *request) error {
	vg := c.str("volgrpname")
	tags, err := vgTags(ctx, c)
	if se := (*specError)(nil); errors.As(err, &se) && se.rc == ocfErrInstalled {
		return nil // what this node does not see is not active here
	}
	if err != nil {
		return err
	}
	if _, err := c.command(ctx, "vgchange", "-a", "n", vg); err != nil {
		return fmt.Errorf("deactivating volume group %s: %w", vg, err)
	}
	if active, _, err := activeVolumes(ctx, c); err != nil || active > 0 {
		return errors.Join(err, fmt.Errorf("%d volumes of group %s are active still", active, vg))
	}
	if tag := c.str("tag"); c.yes("exclusive") && slices.Contains(tags, tag) {
		_, err = c.command(ctx, "vgchange", "--deltag", tag, vg)
	}
	return err
}

func lvmMonitor(ctx context.Context, c *request) error {
	if _, err := program("lvs"); err != nil && c.isProbe() {
		return errNotRunning
	}
	active, all, err := activeVolumes(ctx, c)
	switch {
	case err != nil:
		return err
	case active == 0:
		return errNotRunning
	case active < all && !c.yes("partial_activation"):
		return fmt.Errorf("%d of %d volumes of group %s are active", active, all, c.str("volgrpname"))
	}
	return nil
}
