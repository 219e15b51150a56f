{{- define "newsriver.labels" -}}
app.kubernetes.io/name: newsriver
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "newsriver.selector" -}}
app.kubernetes.io/name: newsriver
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "newsriver.river" -}}
{{ index .Values.settings "river.name" }}
{{- end }}

{{- /* A name of a Secret in which {river} and {role} are filled in. */ -}}
{{- define "newsriver.secret" -}}
{{ .pattern | replace "{river}" (include "newsriver.river" .root) | replace "{role}" .role }}
{{- end }}

{{- define "newsriver.kafka" -}}
{{- if .Values.strimzi.enabled -}}
{{ .Values.strimzi.cluster }}-kafka-bootstrap:9093
{{- else -}}
{{ required "kafka.bootstrapServers, or strimzi.enabled" .Values.kafka.bootstrapServers }}
{{- end -}}
{{- end }}

{{- define "newsriver.kafkaCa" -}}
{{- if .Values.strimzi.enabled -}}{{ .Values.strimzi.cluster }}-cluster-ca-cert{{- else -}}{{ .Values.kafka.caSecret }}{{- end -}}
{{- end }}

{{- define "newsriver.elasticsearch" -}}
{{- if .Values.eck.enabled -}}
https://{{ .Values.eck.cluster }}-es-http:9200
{{- else -}}
{{ required "elasticsearch.url, or eck.enabled" .Values.elasticsearch.url }}
{{- end -}}
{{- end }}

{{- define "newsriver.elasticsearchCa" -}}
{{- if .Values.eck.enabled -}}{{ .Values.eck.cluster }}-es-http-certs-public{{- else -}}{{ .Values.elasticsearch.caSecret }}{{- end -}}
{{- end }}

{{- define "newsriver.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* The pod of a role or of the setup. Takes root, role (whose user it is), spec (its row) and command. */ -}}
{{- define "newsriver.pod" -}}
{{- $root := .root -}}
{{- $river := include "newsriver.river" $root -}}
{{- $user := printf "%s-%s" $river .role -}}
serviceAccountName: {{ $root.Release.Name }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
terminationGracePeriodSeconds: 30
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
containers:
  - name: {{ .name }}
    image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: {{ toJson .args }}
    envFrom:
      - configMapRef: {name: {{ $root.Release.Name }}}
    env:
      - {name: NEWSRIVER_KAFKA__USERNAME, value: {{ $user | quote }}}
      - {name: NEWSRIVER_KAFKA__PASSWORD_FILE, value: /secrets/kafka/password}
      {{- if .spec.elasticsearch }}
      - {name: NEWSRIVER_ELASTICSEARCH__USERNAME, value: {{ $user | quote }}}
      - {name: NEWSRIVER_ELASTICSEARCH__PASSWORD_FILE, value: /secrets/elasticsearch/password}
      {{- end }}
      {{- if .spec.numbered }}
      - name: COPY
        valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
      {{- end }}
    securityContext: {{- include "newsriver.securityContext" $root | nindent 6 }}
    resources: {{ toJson .spec.resources }}
    {{- if .probed }}
    ports:
      - {name: metrics, containerPort: 9100}
      {{- with .spec.port }}
      - {name: http, containerPort: {{ . }}}
      {{- end }}
    startupProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 5
      failureThreshold: 24
    livenessProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 20
      timeoutSeconds: 10
      failureThreshold: 3
    readinessProbe:
      httpGet: {path: /readyz, port: metrics}
      periodSeconds: 20
      timeoutSeconds: 10
    {{- end }}
    volumeMounts:
      - {name: temporary, mountPath: /tmp}
      - {name: state, mountPath: /var/lib/newsriver}
      - {name: kafka, mountPath: /secrets/kafka, readOnly: true}
      {{- if include "newsriver.kafkaCa" $root }}
      - {name: kafka-ca, mountPath: /secrets/kafka-ca, readOnly: true}
      {{- end }}
      {{- if .spec.elasticsearch }}
      - {name: elasticsearch, mountPath: /secrets/elasticsearch, readOnly: true}
      {{- if include "newsriver.elasticsearchCa" $root }}
      - {name: elasticsearch-ca, mountPath: /secrets/elasticsearch-ca, readOnly: true}
      {{- end }}
      {{- end }}
      {{- if and (eq .name "serve") $root.Values.serve.keysSecret }}
      - {name: keys, mountPath: /secrets/keys, readOnly: true}
      {{- end }}
volumes:
  - {name: temporary, emptyDir: {sizeLimit: 1Gi}}
  - {name: state, emptyDir: {sizeLimit: 1Gi}}
  - name: kafka
    secret: {secretName: {{ include "newsriver.secret" (dict "root" $root "role" .role "pattern" $root.Values.kafka.userSecret) }}}
  {{- with include "newsriver.kafkaCa" $root }}
  - name: kafka-ca
    secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
  {{- end }}
  {{- if .spec.elasticsearch }}
  - name: elasticsearch
    secret:
      secretName: {{ include "newsriver.secret" (dict "root" $root "role" .role "pattern" $root.Values.elasticsearch.userSecret) }}
      items: [{key: password, path: password}]
  {{- with include "newsriver.elasticsearchCa" $root }}
  - name: elasticsearch-ca
    secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
  {{- end }}
  {{- end }}
  {{- if and (eq .name "serve") $root.Values.serve.keysSecret }}
  - name: keys
    secret: {secretName: {{ $root.Values.serve.keysSecret }}}
  {{- end }}
{{- end }}
