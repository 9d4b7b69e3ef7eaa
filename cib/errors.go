package cib

import "errors"

// Results of edits and queries. They are wrapped by errors that name the object.
var (
	// ErrNoSuchObject: nothing matches what was asked for or is to be changed.
	ErrNoSuchObject = errors.New("no such object")
	// ErrExists: an object with this tag and id is there already.
	ErrExists = errors.New("the object exists already")
	// ErrUsage: the request itself makes no sense.
	ErrUsage = errors.New("invalid request")
	// ErrBadData: a text given to a request is not what it should be.
	ErrBadData = errors.New("invalid data")
	// ErrSchema: the result would not be a valid configuration.
	ErrSchema = errors.New("the configuration would not be valid")
	// ErrOld: the version of the update is lower than that of the document.
	ErrOld = errors.New("the update is older than the existing configuration")
	// ErrMoved: the configuration is not the one any more that a change was made for.
	ErrMoved = errors.New("the configuration has changed meanwhile")
	// ErrPatch: a patch does not fit the document.
	ErrPatch = errors.New("the patch does not apply")
	// ErrTooLong: a text is longer than MaxSize.
	ErrTooLong = errors.New("the document is too long")
	// ErrDigest: a file does not match its digest.
	ErrDigest = errors.New("the digest does not match")
	// ErrDenied: access control does not let the user do this.
	ErrDenied = errors.New("permission denied")
	// ErrOwner: a file has an owner or mode under which it is not trusted.
	ErrOwner = errors.New("wrong owner or permissions")
)

// ExitCode returns the exit code that Pacemaker's tools use for an error of
// this package, 0 for nil and 1 for any other error.
func ExitCode(err error) int {
	var pe *ParseError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNoSuchObject):
		return 105
	case errors.Is(err, ErrExists):
		return 108
	case errors.Is(err, ErrUsage):
		return 64
	case errors.Is(err, ErrSchema):
		return 78
	case errors.Is(err, ErrOld), errors.Is(err, ErrMoved):
		return 103
	case errors.Is(err, ErrDigest):
		return 104
	case errors.Is(err, ErrOwner), errors.Is(err, ErrDenied):
		return 4
	case errors.Is(err, ErrBadData), errors.Is(err, ErrTooLong), errors.Is(err, ErrValue), errors.As(err, &pe):
		return 65
	}
	return 1
}
