package simulate

import "fmt"

// EventKind tells what an Event is about.
type EventKind uint8

const (
	// ResourceAction: the local resource manager of Node executed Task.
	ResourceAction EventKind = iota
	// PseudoAction: the point in time named Task was passed.
	PseudoAction
	// ClusterAction: the cluster itself did Task on Node.
	ClusterAction
	// Fencing: Node was fenced by Task (reboot, off or on).
	Fencing
	// Pretended: the action numbered ID failed with RC because the user wants it.
	Pretended
	// Attribute: the node attribute Name of the node with the id Node was set
	// to Value.
	Attribute
	// Injected: the operation Task was put into the history.
	Injected
	// Modified: another change which the user asked for; Task is its name in
	// the XML form, Text its sentence.
	Modified
)

// Event is one thing that a simulation did.
type Event struct {
	Kind EventKind
	// Resource is the name as it is shown.
	Resource, Task, Node string
	// Interval is in milliseconds.
	Interval int
	// ID is the number of an action in its graph.
	ID, RC      int
	Name, Value string
	// Sentence is the text of a modification.
	Sentence string
}

// String returns the line about the event, without a line end.
func (e Event) String() string {
	switch e.Kind {
	case ResourceAction:
		task := e.Task
		if e.Interval > 0 {
			task = fmt.Sprintf("%s=%d", task, e.Interval)
		}
		return fmt.Sprintf("  * Resource action: %-15s %s on %s", e.Resource, task, e.Node)
	case PseudoAction:
		if e.Node != "" {
			return fmt.Sprintf("  * Pseudo action:   %s on %s", e.Task, e.Node)
		}
		return fmt.Sprintf("  * Pseudo action:   %s", e.Task)
	case ClusterAction:
		if e.Resource != "" {
			return fmt.Sprintf("  * Cluster action:  %s for %s on %s", e.Task, e.Resource, e.Node)
		}
		return fmt.Sprintf("  * Cluster action:  %s on %s", e.Task, e.Node)
	case Fencing:
		return fmt.Sprintf("  * Fencing %s (%s)", e.Node, e.Task)
	case Pretended:
		return fmt.Sprintf("Pretending action %d failed with rc=%d", e.ID, e.RC)
	case Attribute:
		return fmt.Sprintf("  * Injecting attribute %s=%s into /node_state '%s'", e.Name, e.Value, e.Node)
	case Injected:
		return fmt.Sprintf("  * Injecting %s into the configuration", e.Task)
	}
	return "  * " + e.Sentence
}
