package seedrow

// Remarks say of rows without a test why they have none.
var Remarks = map[string]string{
	"003-090": "a line of another program",
	"003-100": "lines of the kernel of that time",
}
