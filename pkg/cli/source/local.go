package source

import (
	"os"
	"path/filepath"
)

// DefaultShadowDir is where copies of the configuration lie unless
// CIB_shadow_dir says otherwise.
const DefaultShadowDir = "/var/lib/pacemaker/cib"

// Local returns the file that commands work on instead of the running cluster,
// or "": the copy that CIB_shadow names, else the file of CIB_file.
func Local() string {
	if name := os.Getenv("CIB_shadow"); name != "" {
		return ShadowFile(name)
	}
	return LocalFile()
}

// LocalFile is the file of CIB_file, which copies are made from, or "".
func LocalFile() string { return os.Getenv("CIB_file") }

// ShadowFile returns the file of a copy of the configuration. A name never leads
// out of the directory of copies.
func ShadowFile(name string) string {
	dir := os.Getenv("CIB_shadow_dir")
	if dir == "" {
		dir = DefaultShadowDir
	}
	return filepath.Join(dir, "shadow."+filepath.Base(name))
}
