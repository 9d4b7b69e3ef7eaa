package member

import (
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/controller"
)

// Sign encodes a change with its time and the node that it comes from.
func Sign(op cib.Op, now time.Time, self string) []byte {
	op.LastWritten, op.Origin = now.UTC().Format(time.ANSIC), self
	return cib.EncodeOp(op)
}

// AddNode is the change that writes a node into the configuration.
func AddNode(e controller.AddNode) cib.Op {
	return cib.Op{Verb: cib.VerbCreate, Scope: "nodes", Client: "crmd", XML: cib.New("node", "id", e.ID, "uname", e.Name)}
}

// Identify is the change that writes which program and version the DC is.
func Identify(e controller.Identify) cib.Op {
	return cib.Op{Verb: cib.VerbModify, Scope: "crm_config", AllowCreate: true, Client: "crmd", XML: e.Config}
}

// Import is the change that makes a candidate the configuration, in place of the
// present one. Its id makes a repeat by the next DC harmless; a candidate for a
// cluster without any configuration may have a lower version than the cluster
// has reached.
func Import(e controller.Import, present *cib.Element) (id string, op cib.Op) {
	root, now := Bare(e.Root), cib.VersionOf(present)
	if cib.VersionOf(root).Compare(now) < 0 {
		root = cib.WithVersion(root, now)
	}
	id = uuid.NewSHA1(uuid.NameSpaceOID, cib.PrintCompact(root)).String()
	return id, cib.Op{Verb: cib.VerbReplace, Client: "crmd", XML: root}
}

// NodeAttribute is the change that sets or deletes an attribute in the
// configuration of a node; set "" means the usual one.
func NodeAttribute(nodeID, set, name, value string, del bool) cib.Op {
	if set == "" {
		set = "nodes-" + nodeID
	}
	nv := cib.New("nvpair", "id", set+"-"+name, "name", name)
	if del {
		return cib.Op{Verb: cib.VerbDelete, Scope: "nodes", XML: nv}
	}
	return cib.Op{Verb: cib.VerbModify, Scope: "nodes", AllowCreate: true,
		XML: cib.New("node", "id", nodeID).WithChild(
			cib.New("instance_attributes", "id", set).WithChild(nv.WithAttr("value", value)))}
}
