// Package catalogue knows the operating systems that can be offered: where
// their vendors publish images, how an image is told from a forged one, how the
// system is configured when it first boots, and what of all that was proven.
//
// One file in systems/ is one system. The package reads those files and the
// checksum lists that vendors publish; it fetches nothing, and must not import a
// store or a driver. Which of the systems a site offers, and their images there,
// is in the site's file and in Postgres.
package catalogue
