{{/* The name of everything: that of the release, with "pemba" in it. */}}
{{- define "pemba.fullname" -}}
{{- if contains "pemba" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-pemba" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "pemba.peers" -}}{{ include "pemba.fullname" . }}-peers{{- end }}

{{/* What all pods of a release have, and nothing else. */}}
{{- define "pemba.selector" -}}
app.kubernetes.io/name: pemba
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pemba.labels" -}}
{{ include "pemba.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "pemba.keysSecret" -}}{{ .Values.keys.existingSecret | default (printf "%s-keys" (include "pemba.fullname" .)) }}{{- end }}
{{- define "pemba.peerSecret" -}}{{ .Values.peerTLS.existingSecret | default (printf "%s-peer-tls" (include "pemba.fullname" .)) }}{{- end }}
{{- define "pemba.tlsSecret" -}}{{ .Values.tls.existingSecret | default (printf "%s-tls" (include "pemba.fullname" .)) }}{{- end }}

{{/* By which name the others reach every node, separated by commas. */}}
{{- define "pemba.join" -}}
{{- $full := include "pemba.fullname" . }}{{- $peers := include "pemba.peers" . }}
{{- range $i := until (int .Values.replicas) }}{{ if $i }},{{ end }}{{ $full }}-{{ $i }}.{{ $peers }}.$(NAMESPACE).svc:7000{{ end }}
{{- end }}
