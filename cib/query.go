package cib

import "fmt"

// Query returns what a scope (see Sections; "" is the whole document) or, if it
// is not empty, an XPath selects. Without any match the error wraps
// ErrNoSuchObject. With noChildren the elements come without their children.
func Query(root *Element, scope, xpath string, noChildren bool) ([]*Element, error) {
	var found []*Element
	if xpath != "" {
		var err error
		if found, err = Find(root, xpath); err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: nothing matches %s", ErrNoSuchObject, xpath)
		}
	} else {
		section, err := Section(root, scope)
		if err != nil {
			return nil, err
		}
		if section == nil {
			return nil, fmt.Errorf("%w: the document has no section %s", ErrNoSuchObject, scope)
		}
		found = []*Element{section}
	}
	if noChildren {
		for i, e := range found {
			found[i] = e.WithChildren()
		}
	}
	return found, nil
}

// QueryResult makes one element of the result of a query, as cibadmin prints
// it: several are wrapped in <xpath-query>.
func QueryResult(found []*Element) *Element {
	if len(found) == 1 {
		return found[0]
	}
	return New("xpath-query").WithChildren(found...)
}
