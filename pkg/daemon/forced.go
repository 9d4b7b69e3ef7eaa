package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/member"
)

// forced keeps what administrators have written by force while this node had no
// quorum. Owner goroutine only.
type forced struct {
	path     string
	draft    *member.Draft
	settling bool
}

func openForced(d *Daemon) {
	d.forced.path = filepath.Join(d.opts.StateDir, "crm", "forced.xml")
	draft, err := member.LoadDraft(d.forced.path)
	if err != nil {
		d.log.Error(fmt.Sprintf("the configuration that was written by force cannot be read: %v; it is left as it is and not used", err), "component", "cib")
	}
	d.forced.draft = draft
}

// force serves an edit with --force on a node without quorum.
func (d *Daemon) force(op cib.Op, done func(*client.Response)) {
	op.LastWritten, op.Origin = time.Now().UTC().Format(time.ANSIC), d.opts.Self
	draft, err := d.forced.draft.Force(d.replica.Root(), d.replica.Digest(), op)
	if err != nil {
		done(&client.Response{Code: cib.ExitCode(err), Error: err.Error()})
		return
	}
	if err := draft.Save(d.forced.path); err != nil {
		done(&client.Response{Code: cli.ExitIOErr, Error: fmt.Sprintf("nothing is changed: %v", err)})
		return
	}
	d.forced.draft = draft
	d.log.Warn(fmt.Sprintf("%s wrote version %s of the configuration by force, on this node alone: %s", op.User, cib.VersionOf(draft.Root).Configuration(), d.view.Reason), "component", "cib")
	d.changed()
	done(&client.Response{Text: "written on " + d.opts.Self + " alone, because there is no quorum (" + d.view.Reason + "): it has no effect on resources, and becomes the cluster's when quorum returns unless the others have changed more by then"})
}

// settleForced makes the draft the cluster's, or puts it aside, when there is
// quorum.
func (d *Daemon) settleForced() {
	f := &d.forced
	if f.draft == nil || f.settling || !d.view.Quorum {
		return
	}
	agreed := d.replica.Root()
	op, lost := f.draft.Settle(agreed, d.replica.Digest())
	if lost != nil {
		kept, err := d.keepLoser(lost)
		if err != nil {
			d.log.Error(fmt.Sprintf("the configuration that was written by force waits in %s: %v", f.path, err), "component", "cib")
			return
		}
		d.log.Warn(fmt.Sprintf("the configuration was changed by force on this node and by the others too: version %s is not used and kept in %s", cib.VersionOf(lost).Configuration(), kept), "component", "cib")
	}
	if op == nil {
		d.forget()
		return
	}
	f.settling = true
	d.edit("", d.signed(*op), func(code int, text string) {
		// The reply may come from the owner itself, which must not wait for itself.
		go d.call(func() {
			f.settling = false
			switch code {
			case 0:
				d.log.Info(fmt.Sprintf("the configuration that was written by force (from version %s) is the cluster's now", f.draft.Base), "component", "cib")
				d.forget()
			case cib.ExitCode(cib.ErrMoved):
				d.settleForced()
			default:
				d.log.Error(fmt.Sprintf("the configuration that was written by force waits in %s: %s", f.path, text), "component", "cib")
			}
		})
	})
}

func (d *Daemon) forget() {
	d.forced.draft = nil
	if err := os.Remove(d.forced.path); err != nil {
		d.log.Error(err.Error(), "component", "cib")
	}
	d.changed()
}

// changed tells those who watch the document.
func (d *Daemon) changed() {
	close(d.news)
	d.news = make(chan struct{})
}

// keepLoser puts a configuration beside those that lost a merge.
func (d *Daemon) keepLoser(root *cib.Element) (string, error) {
	dir := filepath.Join(d.opts.StateDir, ccm.ConflictDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s%s-%s.xml", forcedPrefix, cib.VersionOf(root).Configuration(), time.Now().UTC().Format("20060102T150405.000")))
	return path, cib.SaveFile(path, root)
}

// forcedPrefix begins the names of files that keepLoser writes.
const forcedPrefix = "forced-"

// document returns the CIB as this node shows it: with what was written by
// force in it.
func (d *Daemon) document() *cib.Element {
	return d.forced.draft.Over(d.machine.Document())
}

// conflicts has a sentence for each configuration that lost against another one
// and that nobody has looked at yet, and one for what waits for quorum.
func (d *Daemon) conflicts() (out []string) {
	if f := d.forced.draft; f != nil {
		out = append(out, fmt.Sprintf("the configuration shown here (version %s) was written by force without quorum, from version %s, on this node alone: it waits in %s for quorum to return",
			cib.VersionOf(f.Root).Configuration(), f.Base, d.forced.path))
	}
	files, _ := filepath.Glob(filepath.Join(d.opts.StateDir, ccm.ConflictDir, "*.xml")) // the pattern is sound
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), forcedPrefix) {
			out = append(out, fmt.Sprintf("the configuration was changed by force without quorum and elsewhere too: the one in %[1]s is not used; compare it (cibadmin -Q >now.xml; crm_diff -o now.xml -n %[1]s), make what is missing again with cibadmin, then remove the file", f))
			continue
		}
		out = append(out, fmt.Sprintf("both halves of the cluster changed the configuration while they were apart: the one of this node was not used and is kept in %s; make what is missing again with cibadmin, then remove the file", f))
	}
	return out
}
