package cib

import (
	"crypto/md5"
	"encoding/hex"
	"io"
)

// Digest returns the digest of a whole document as Pacemaker writes it beside
// cib.xml and as cibadmin --md5-sum prints it: the MD5 of the compact text
// between a blank and a newline, in hexadecimal. It detects changes by
// accident or by hand; it is no protection against anybody. Character data
// and processing instructions do not count.
//
// What is stored on disk has no status section; see ConfigurationDigest.
func Digest(root *Element) string {
	h := md5.New()
	_, _ = io.WriteString(h, " ")
	hashElement(h, root)
	_, _ = io.WriteString(h, "\n")
	return hex.EncodeToString(h.Sum(nil))
}

// VersionedDigest returns the digest of a document as it goes over the wire,
// which cibadmin --md5-sum-versioned prints: who wrote it and when do not count.
func VersionedDigest(root *Element) string {
	for _, name := range []string{"cib-last-written", "update-origin", "update-client", "update-user"} {
		root = root.WithoutAttr(name)
	}
	h := md5.New()
	hashElement(h, root)
	return hex.EncodeToString(h.Sum(nil))
}

func hashElement(w io.Writer, root *Element) {
	p := &printer{w: w, digest: true}
	p.element(root, 0)
	p.flush(0)
}

// ConfigurationDigest returns the digest of the document without its status,
// as it is written to disk.
func ConfigurationDigest(root *Element) string { return Digest(WithoutStatus(root)) }

// WithoutStatus returns the document with an empty status section, the form in
// which it goes to disk.
func WithoutStatus(root *Element) *Element {
	if s := root.First("status"); s != nil && len(s.Children)+len(s.Attrs) > 0 {
		return root.WithReplaced(s, New("status"))
	}
	return root
}
