#cloud-boothook
#!/bin/sh
# Runs in each boot, before the tenant's own user data, which therefore cannot
# replace what it does: of vendor data and user data that both have a runcmd or
# write_files, cloud-init takes the user's alone.
umask 022
mkdir -p {{.Folder}} /etc/millwright

cat >{{.PhoneHomePath}} <<'END OF FILE'
{{.PhoneHome -}}
END OF FILE

cat >{{.Folder}}{{.PhoneHomeName}} <<'END OF FILE'
{{.PhoneHomeUnit -}}
END OF FILE
{{if .Loopback}}
cat >{{.Folder}}{{.LoopbackName}} <<'END OF FILE'
{{.LoopbackUnit -}}
END OF FILE
{{end}}
systemctl daemon-reload
{{- if .Loopback}}
systemctl enable --quiet {{.LoopbackName}}
systemctl start --no-block {{.LoopbackName}}
{{- end}}
systemctl enable --quiet {{.PhoneHomeName}}
# Waiting would be for ever: the unit runs once cloud-init, which runs this, has ended.
systemctl start --no-block {{.PhoneHomeName}}
