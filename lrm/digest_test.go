package lrm

import "testing"

// The wanted values are what crm_resource --digests of Pacemaker 2.1.5 prints.
func TestDigest(t *testing.T) {
	ip := func(nic string) map[string]string {
		return map[string]string{"ip": "10.0.0.1", "cidr_netmask": "24", "nic": nic, "CRM_meta_timeout": "20000", "crm_feature_set": "3.16.2"}
	}
	for _, c := range []struct {
		params map[string]string
		want   string
	}{
		{nil, "f2317cad3d54cec5d7d7aa7d0bf35cf8"},
		{map[string]string{"CRM_meta_name": "start"}, "f2317cad3d54cec5d7d7aa7d0bf35cf8"},
		{ip("eth0"), "c847d14bf23eadb3cda4931ce91162a5"},
		{ip(`a&b <"'x>`), "ebf145407cfde38259a16d027434288e"},
		{ip("a\tb"), "634a392b60356af98c5c9660993aa27a"},
		{ip("a\nb"), "7ba57c84c2c3eda37e589886c22c674b"},
		{ip("aüb"), "dbd3dd9319af7ae892760e54eeade42c"},
	} {
		if got := Digest(c.params); got != c.want {
			t.Errorf("Digest(%q) is %s, want %s", c.params, got, c.want)
		}
	}
}
