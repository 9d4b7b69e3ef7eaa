package lrm

import (
	"crypto/md5"
	"encoding/hex"
	"sort"
	"strings"
)

// Digest returns the digest of agent parameters as op-digest of the CIB has it:
// MD5 over an element with the parameters as attributes, sorted by name.
// CRM_meta_* entries and crm_feature_set do not take part.
func Digest(params map[string]string) string {
	names := make([]string, 0, len(params))
	for n := range params {
		if !strings.HasPrefix(n, "CRM_meta_") && n != "crm_feature_set" {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(" <parameters")
	// The escapes of white space are peculiar, as crm_resource --digests shows.
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;", "\n", `\n`, "\r", `\r`, "\t", "    ")
	for _, n := range names {
		b.WriteString(" " + n + `="` + esc.Replace(params[n]) + `"`)
	}
	b.WriteString("/>\n")
	sum := md5.Sum([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}
