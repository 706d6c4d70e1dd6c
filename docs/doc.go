// Package docs holds no code. Its tests hold the pages of this folder against
// the code: what is published has its place in them, and what they name is
// there. It imports package metal in its tests, and must import nothing else of
// ours: everything else is read as text.
package docs
