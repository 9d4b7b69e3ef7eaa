package member

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/quorate/quorate/cib"
)

// Draft is a configuration that an administrator has written by force on a node
// without quorum. It has no effect on resources. When quorum returns it becomes
// the cluster's, or gives way (see Settle).
type Draft struct {
	// Base is the version (admin_epoch.epoch) and Digest the digest of the agreed
	// configuration that it was made from.
	Base, Digest string
	// Root is the whole document as it would be.
	Root *cib.Element
}

// Names of the file's form.
const (
	draftTag    = "forced"
	draftBase   = "base"
	draftDigest = "digest"
)

// Force applies a change to the draft, or to the agreed document when there is
// none yet; agreed has the digest given.
func (d *Draft) Force(agreed *cib.Element, digest string, op cib.Op) (*Draft, error) {
	if d == nil {
		d = &Draft{Base: cib.VersionOf(agreed).Configuration(), Digest: digest, Root: agreed}
	}
	root, err := cib.ApplyOp(d.Root, op)
	if err != nil {
		return nil, err
	}
	return &Draft{d.Base, d.Digest, Bare(root)}, nil
}

// Settle decides between a draft and the configuration of the cluster as it is
// when quorum has returned. If only this side has changed anything since they
// parted the draft wins; otherwise the higher (admin_epoch, epoch) does. The
// change that makes the draft the cluster's is nil when it lost; lost is what
// gave way and must be kept, nil if nothing did.
func (d *Draft) Settle(agreed *cib.Element, digest string) (op *cib.Op, lost *cib.Element) {
	here, there := cib.VersionOf(d.Root), cib.VersionOf(agreed)
	here.NumUpdates, there.NumUpdates = 0, 0
	op = &cib.Op{Verb: cib.VerbReplace, Scope: "configuration", XML: d.Root.First("configuration"), Expect: there.Configuration(),
		User: d.Root.Get("update-user"), Client: d.Root.Get("update-client"), Why: "written by force without quorum, from version " + d.Base}
	switch {
	case d.Base == there.Configuration() && d.Digest == digest:
		return op, nil
	case here.Compare(there) > 0:
		return op, agreed
	}
	return nil, d.Root
}

// Over returns a document with the configuration of the draft in it.
func (d *Draft) Over(doc *cib.Element) *cib.Element {
	if d == nil {
		return doc
	}
	out := d.Root
	if st := doc.First("status"); st != nil {
		out = out.WithChild(st)
	}
	for _, name := range []string{"have-quorum", "dc-uuid"} {
		if v, ok := doc.Lookup(name); ok {
			out = out.WithAttr(name, v)
		}
	}
	return out
}

// Save puts the draft on the disk before it returns.
func (d *Draft) Save(path string) error {
	return cib.SaveFile(path, cib.New(draftTag, draftBase, d.Base, draftDigest, d.Digest).WithChild(d.Root))
}

// LoadDraft reads what Save wrote; nil when there is none.
func LoadDraft(path string) (*Draft, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	e, err := cib.Parse(b, path)
	if err != nil {
		return nil, err
	}
	root := e.First("cib")
	if e.Name != draftTag || root.First("configuration") == nil {
		return nil, fmt.Errorf("%s: line %d: this is no configuration that was written by force; remove the file if it is not needed", path, e.Line)
	}
	return &Draft{e.Get(draftBase), e.Get(draftDigest), root}, nil
}
