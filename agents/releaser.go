package agents

// LookupReleaser returns who can take a resource of that agent from this node
// by force, whether its agent is built in or a script.
func LookupReleaser(class, provider, typ string) (Releaser, bool) {
	if typ == "Filesystem" && (class == "ocf" && (provider == "heartbeat" || provider == "quorate") || class == "heartbeat") {
		return filesystem{}, true
	}
	a, ok := Lookup(class, provider, typ)
	if !ok {
		return nil, false
	}
	r, ok := a.(Releaser)
	return r, ok
}

// IsAddress reports whether resources of that agent are floating addresses.
func IsAddress(class, provider, typ string) bool {
	a, ok := Lookup(class, provider, typ)
	if !ok {
		return false
	}
	_, ok = a.(*ipaddr)
	return ok
}
