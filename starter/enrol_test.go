package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/vault"
)

// enrolFiles are a list, and a credentials folder with a keyset.
func enrolFiles(t *testing.T, lines ...string) (list, folder string) {
	t.Helper()
	folder = t.TempDir()
	_, err := vault.Create(filepath.Join(folder, vault.FileName))
	require.NoError(t, err)
	writeFile(t, filepath.Join(folder, "factory"), "ADMIN\nADMIN\n")
	list = filepath.Join(t.TempDir(), "bmcs.csv")
	writeFile(t, list, strings.Join(lines, "\n")+"\n")
	return list, folder
}

const enrolHeader = "bmc,user,password,name,rack,unit,plan,firmware,switch,port,mac"

func TestAListIsEnrolledWithItsPasswordsSealed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	list, folder := enrolFiles(t, "\xef\xbb\xbf"+enrolHeader,
		`10.0.0.5,root," hun""ter2;",m5,r1,5,c1.small,uefi,tor-r1,xe-0/0/5,02-40-00-00-00-05`, "", `"10.0.0.6:8443",root,calvin7,m6,r1,6,c1.small,bios,tor-r1,xe-0/0/6,`)
	args := []string{"enrol", "--site", "lab1", "--csv", list, "--credentials", folder}
	code, out, errs := r.cli(append(args, "--dry-run")...)
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `m5 +10.0.0.5 +r1 +5 +c1.small +uefi +tor-r1:xe-0/0/5 +- +would be enrolled`, out)
	rows, err := r.store.OpenEnrolments(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, rows, "a dry run writes nothing")

	for range 2 { // the second time they are found
		code, out, errs = r.cli(args...)
		require.Equal(t, exitDone, code, errs)
		require.NotContains(t, out+errs, "ter2")
		require.NotContains(t, out+errs, "calvin7")
		require.Contains(t, errs, "what is enrolled stands: reconcile starts it")
	}
	require.Equal(t, 2, strings.Count(out, "is being enrolled"), out)
	rows, err = r.store.OpenEnrolments(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	v, err := vault.Open(filepath.Join(folder, vault.FileName))
	require.NoError(t, err)
	passwords := map[metal.MachineID]string{}
	for _, row := range rows {
		e, _, err := r.store.Enrolment(t.Context(), row.ID)
		require.NoError(t, err)
		sealed, err := r.store.SealedEnrolment(t.Context(), row.ID)
		require.NoError(t, err)
		require.NotContains(t, string(sealed), "root")
		cred, err := v.Unseal(sealed, metal.EnrolmentCredential(row.ID))
		require.NoError(t, err)
		passwords[e.Machine] = cred.Password
	}
	require.Equal(t, map[metal.MachineID]string{"m5": ` hun"ter2;`, "m6": "calvin7"}, passwords, "blanks are part of a password")
	out = r.tells("enrolments", `m6 +lab1 +10.0.0.6:8443 +20[^ ]+ +- +-`)
	require.NotContains(t, out, "calvin7")
}

func TestEveryMistakeOfAListIsToldBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	r := setup(t)
	list, folder := enrolFiles(t, enrolHeader,
		"127.64.2.2,root,secretA,m5,r1,5,c1.small,uefi,tor-r1,xe-0/0/5,02:40:00:00:00:05",
		"10.0.0.6,root,secretB,m1,r1,2,c1.small,uefi,tor-r1,ae2,02:40:00:00:00:02",
		"10.0.0.7,root,secretC,m7,r9,0,c9,efi,tor-r9,xe-0/0/7,03:00:00:00:00:07",
		"10.0.0.8,,secretD,M 8,r1,8,c1.small,uefi,tor-r1,xe-0/0/8.0,",
		"10.0.0.9,root,,m9,r1,9,c1.small,uefi,tor-r1,xe-0/0/9,",
		"10.0.0.9:443,root,secretE,m9,r1,9,c1.small,uefi,tor-r1,xe-0/0/9,",
		"here there,root,secretF,m11,r1,11,c1.small,uefi,tor-r1,xe-0/0/11,")
	code, out, errs := r.cli("enrol", "--site", "lab1", "--csv", list, "--credentials", folder)
	require.Equal(t, exitNot, code)
	require.Empty(t, out)
	for _, want := range []string{
		":2: BMC 127.64.2.2 is that of machine m2", ":3: name m1 is that of machine m1", ":3: unit 2 of rack r1 is that of machine m2",
		":3: MAC 02:40:00:00:00:02 is that of machine m2", ":3: port tor-r1:ae2 is that of machine m2",
		`:4: rack is "r9"; there is: r1, r2`, `:4: unit is "0"`, `:4: plan is "c9"; there is: c1.small`, `:4: firmware is "efi"; there is: uefi, bios`,
		`:4: switch is "tor-r9"; there is: tor-r1`, `:4: mac is "03:00:00:00:00:07"`, ":5: it has a password and no user", `:5: name is "M 8"`,
		`:5: port is "xe-0/0/8.0"`, ":6: it has no password", ":7: name m9 is that of " + list + ":6", ":7: BMC 10.0.0.9 is that of " + list + ":6",
		":7: port tor-r1:xe-0/0/9 is that of", ":7: unit 9 of rack r1 is that of", `:8: bmc is "here there"`, "starter: mistakes: ",
	} {
		require.Contains(t, errs, want)
	}
	require.NotContains(t, errs, "secret")
	rows, err := r.store.OpenEnrolments(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestARangeIsEnrolledByPatterns(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, folder := enrolFiles(t)
	args := func(more ...string) []string {
		return append([]string{"enrol", "--site", "lab1", "--rack", "r2", "--plan", "c1.small", "--switch", "tor-r1", "--name", "r2u%02d",
			"--port", "xe-0/1/%d", "--credentials", folder, "-o", "json"}, more...)
	}
	code, out, errs := r.cli(args("--bmc", "10.0.0.9-10.0.0.11,10.0.1.0/30", "--credential", "factory", "--unit", "3", "--height", "2", "--port-from", "8")...)
	require.Equal(t, exitDone, code, errs)
	var lines []struct{ Machine, BMC, Firmware string }
	require.NoError(t, json.Unmarshal([]byte(out), &lines))
	require.Len(t, lines, 5)
	require.Equal(t, "r2u03", lines[0].Machine)
	require.Equal(t, "r2u11", lines[4].Machine)
	require.Equal(t, "10.0.1.2", lines[4].BMC)
	rows, err := r.store.OpenEnrolments(t.Context(), 0, 10)
	require.NoError(t, err)
	for _, row := range rows {
		e, _, err := r.store.Enrolment(t.Context(), row.ID)
		require.NoError(t, err)
		require.Equal(t, "factory", e.Credential)
		if e.Machine == "r2u05" {
			require.Equal(t, "tor-r1:xe-0/1/9", e.NICs[0].Port.String())
		}
	}
	code, _, errs = r.cli(args("--bmc", "10.0.2.1", "--credential", "typo")...)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "--credential typo: no file of this name")
	for _, bad := range []string{"10.0.0.9-10.0.0.1", "10.0.0.0/8", "fd00::1-10.0.0.1", "a b", "fd00::-fd00:1::"} {
		code, _, errs := r.cli(args("--bmc", bad, "--credential", "factory")...)
		require.Equal(t, exitUsage, code, errs)
	}
	code, _, errs = r.cli(args("--bmc", "10.0.2.1", "--credential", "factory", "--name", "%s")...)
	require.Equal(t, exitUsage, code, errs)
}

func TestAVendorsListIsReadByItsOwnColumns(t *testing.T) {
	t.Parallel()
	r := setup(t)
	list, folder := enrolFiles(t, "Service Tag;iDRAC IP;Default Password;Order", "CZ5;10.0.0.5;calvin5;7", "CZ6;10.0.0.6;calvin6;7")
	code, out, errs := r.cli("enrol", "--site", "lab1", "--csv", list, "--credentials", folder, "--dry-run", "--rack", "r1", "--plan", "c1.small",
		"--switch", "tor-r1", "--port", "xe-0/0/%d", "--port-from", "5", "--unit", "5", "--name", "u%d", "--columns", "bmc=iDRAC IP,password=default password,serial=Service Tag")
	require.Equal(t, exitNot, code, "nobody said which user")
	require.Contains(t, errs, `columns that are not used: ["Order"]`)
	require.Contains(t, errs, ":3: it has a password and no user")
	require.NotContains(t, out+errs, "calvin")
}

func TestWaitingForMachinesTellsHowEachEnded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	list, folder := enrolFiles(t, enrolHeader, "10.0.0.5,root,x1234,m5,r1,5,c1.small,uefi,tor-r1,xe-0/0/5,02:40:00:00:00:05",
		"10.0.0.6,root,x1234,m6,r1,6,c1.small,uefi,tor-r1,xe-0/0/6,")
	worked := make(chan struct{})
	go func() { // what a worker does meanwhile
		defer close(worked)
		for left := 2; left > 0 && t.Context().Err() == nil; {
			rows, _ := r.store.OpenEnrolments(t.Context(), 0, 10)
			for _, row := range rows {
				e, _, err := r.store.Enrolment(t.Context(), row.ID)
				outcome, found := "no answer", metal.MachineIdentity{Serial: "CZ5", Protocol: metal.Redfish, Fingerprint: strings.Repeat("a", 64)}
				if err == nil && e.Machine == "m5" {
					outcome, err = admitted, r.store.Admit(t.Context(), e, found)
				}
				if err == nil && r.store.EndEnrolment(t.Context(), row.ID, outcome, found) == nil {
					left--
				}
			}
		}
		r.exec("update machines set state = 'idle' where id = 'm5'")
	}()
	code, out, errs := r.cli("enrol", "--site", "lab1", "--csv", list, "--credentials", folder, "--wait")
	<-worked
	require.Equal(t, exitNot, code)
	require.Regexp(t, `(?m)^ +[0-9.]+s  m5 +idle`, out)
	require.Regexp(t, `(?m)^ +[0-9.]+s  m6 +refused +no answer$`, out)
	require.Contains(t, errs, "not idle: 1")
	code, out, errs = r.cli("enrol", "--site", "lab1", "--csv", list, "--credentials", folder, "--dry-run")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `m5 .* is a machine already`, out)
}

func TestALineOfDataInPlaceOfAHeaderIsNotQuoted(t *testing.T) {
	t.Parallel()
	list := readCSV(strings.NewReader("10.0.0.5,root,calvin5\n10.0.0.6,root,calvin6\n"), "list", nil)
	require.Empty(t, list.unused)
	require.Len(t, list.wrong, 1)
	require.Contains(t, list.wrong[0], "no column is called bmc")
	require.NotContains(t, list.wrong[0], "calvin")
}

func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{enrolHeader + "\n1.2.3.4,u,p,m,r,1,p,uefi,s,xe-0/0/1,\n", "bmc;name\n;\n", "\xef\xbb\xbfbmc,bmc\n\"", "a\n\"b\"c\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const secret = "correct-horse"
		list := readCSV(strings.NewReader(strings.ReplaceAll(text, "p", secret)), "list", nil)
		for _, l := range list.lines {
			require.LessOrEqual(t, len(l.fields), len(enrolColumns))
			for column := range l.fields {
				require.Contains(t, enrolColumns, column)
			}
		}
		check := &enrolCheck{taken: map[string]string{}, bmcs: map[string][]bmcEnd{}}
		for i := range list.lines {
			fields := list.lines[i].fields
			if fields["password"] != "" {
				for column := range fields {
					if column != "password" {
						fields[column] = "x"
					}
				}
			}
		}
		check.check(list.lines)
		for _, m := range append(list.wrong, check.wrong...) {
			require.NotContains(t, m, secret)
		}
	})
}
