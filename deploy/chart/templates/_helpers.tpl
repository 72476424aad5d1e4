{{- define "hoist.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "hoist.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "hoist.name" .) .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name (include "hoist.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "hoist.labels" -}}
app.kubernetes.io/name: {{ include "hoist.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "hoist.selector" -}}
app.kubernetes.io/name: {{ include "hoist.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "hoist.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}
{{- else }}{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end }}
{{- end }}

{{- /* The keys of the Secret that the controller shows to Prometheus, under the names that it knows. */}}
{{- define "hoist.prometheusItems" -}}
{{- $keys := . }}
{{- range $key, $path := dict "token" "token" "username" "username" "password" "password" "ca" "ca.crt" "certificate" "tls.crt" "privateKey" "tls.key" }}
{{- with index $keys $key }}
- {key: {{ . | quote }}, path: {{ $path }}}
{{- end }}
{{- end }}
{{- end }}
