package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const namespace = "pemba"

// render renders the chart as `helm template` does: file of the chart → text.
func render(values string) (map[string]string, error) {
	chart, err := loader.LoadDir("helm/pemba")
	if err != nil {
		return nil, err
	}
	given, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	all, err := chartutil.ToRenderValues(chart, given, chartutil.ReleaseOptions{Name: "pemba", Namespace: namespace, Revision: 1, IsInstall: true}, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	rendered := map[string]string{}
	for name, text := range files {
		name = strings.TrimPrefix(name, "pemba/templates/")
		if strings.TrimSpace(text) != "" && strings.HasSuffix(name, ".yaml") {
			rendered[name] = text
		}
	}
	return rendered, nil
}

// objects are what is made in a cluster, as Kubernetes understands it.
type objects struct {
	set          *apps.StatefulSet
	services     map[string]*core.Service
	accounts     map[string]*core.ServiceAccount
	budgets      []*policy.PodDisruptionBudget
	policies     []*networking.NetworkPolicy
	certificates map[string]*certmanager.Certificate // by the secret that they make
	monitors     []*monitoring.ServiceMonitor
	rules        []*monitoring.PrometheusRule
	maps         []*core.ConfigMap
}

// decode reads documents of YAML into the types of Kubernetes; a field that they
// do not have is an error.
func decode(t *testing.T, text string) *objects {
	t.Helper()
	o := &objects{services: map[string]*core.Service{}, accounts: map[string]*core.ServiceAccount{}, certificates: map[string]*certmanager.Certificate{}}
	for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(text, -1) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		if head.Kind == "" {
			continue // comments alone
		}
		if err := o.add(head.APIVersion+" "+head.Kind, []byte(doc)); err != nil {
			t.Fatalf("%s: %v in\n%s", head.Kind, err, doc)
		}
	}
	return o
}

func (o *objects) add(kind string, doc []byte) error {
	switch kind {
	case "apps/v1 StatefulSet":
		o.set = new(apps.StatefulSet)
		return yaml.UnmarshalStrict(doc, o.set)
	case "v1 Service":
		s := new(core.Service)
		err := yaml.UnmarshalStrict(doc, s)
		o.services[s.Name] = s
		return err
	case "v1 ServiceAccount":
		a := new(core.ServiceAccount)
		err := yaml.UnmarshalStrict(doc, a)
		o.accounts[a.Name] = a
		return err
	case "policy/v1 PodDisruptionBudget":
		o.budgets = append(o.budgets, new(policy.PodDisruptionBudget))
		return yaml.UnmarshalStrict(doc, o.budgets[len(o.budgets)-1])
	case "networking.k8s.io/v1 NetworkPolicy":
		o.policies = append(o.policies, new(networking.NetworkPolicy))
		return yaml.UnmarshalStrict(doc, o.policies[len(o.policies)-1])
	case "cert-manager.io/v1 Certificate":
		c := new(certmanager.Certificate)
		err := yaml.UnmarshalStrict(doc, c)
		o.certificates[c.Spec.SecretName] = c
		return err
	case "monitoring.coreos.com/v1 ServiceMonitor":
		o.monitors = append(o.monitors, new(monitoring.ServiceMonitor))
		return yaml.UnmarshalStrict(doc, o.monitors[len(o.monitors)-1])
	case "monitoring.coreos.com/v1 PrometheusRule":
		o.rules = append(o.rules, new(monitoring.PrometheusRule))
		return yaml.UnmarshalStrict(doc, o.rules[len(o.rules)-1])
	case "v1 ConfigMap":
		o.maps = append(o.maps, new(core.ConfigMap))
		return yaml.UnmarshalStrict(doc, o.maps[len(o.maps)-1])
	}
	return fmt.Errorf("no test knows %s", kind)
}

// TestChart renders the chart in every shape that its values name, and checks
// that what comes out fits together.
func TestChart(t *testing.T) {
	for _, c := range []struct {
		name, values string
		certificates int
		check        func(*testing.T, *objects)
	}{
		{"defaults", "", 0, nil},
		{"one node", "replicas: 1", 0, func(t *testing.T, o *objects) {
			if len(o.budgets) != 0 {
				t.Error("a budget for one node lets no machine be drained")
			}
		}},
		{"five nodes", "replicas: 5", 0, nil},
		{"peers without TLS", "peerTLS: {enabled: false}", 0, func(t *testing.T, o *objects) {
			if !slices.Contains(o.pod().Args, "--peer-insecure") {
				t.Error("the nodes will refuse to start")
			}
		}},
		{"TLS", "tls: {enabled: true, clientCertificates: true, existingSecret: api}\nkeys: {existingSecret: theirs}", 0, nil},
		{"cert-manager", "peerTLS: {certManager: {enabled: true, issuerRef: {name: peers}}}\ntls: {enabled: true, certManager: {enabled: true, issuerRef: {name: web, kind: ClusterIssuer}, dnsNames: [authz.example.com]}}", 2, nil},
		{"monitoring", "serviceMonitor: {enabled: true, labels: {release: p}}\nprometheusRule: {enabled: true}\ndashboard: {enabled: true}", 0, checkMonitoring},
		{"placement", "antiAffinity: preferred\nnodeSelector: {disk: nvme}\ntolerations: [{key: authz, operator: Exists}]\npriorityClassName: high\npodAnnotations: {a: b}\npodLabels: {c: d}\nimagePullSecrets: [{name: pull}]\npersistence: {storageClass: fast}\nserviceAnnotations: {e: f}", 0, nil},
		{"open network", "networkPolicy: {enabled: false}\npodDisruptionBudget: {enabled: false}\nextraArgs: [--max-staleness=20s]\nextraEnv: [{name: GOMAXPROCS, value: '4'}]", 0, nil},
		{"clients", "networkPolicy: {clientsFrom: [{podSelector: {matchLabels: {app: web}}}], metricsFrom: []}", 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, err := render(c.values)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, name := range slices.Sorted(maps.Keys(files)) {
				text.WriteString(files[name] + "\n---\n")
			}
			o := decode(t, text.String())
			o.fitTogether(t)
			if len(o.certificates) != c.certificates {
				t.Errorf("%d certificates, want %d", len(o.certificates), c.certificates)
			}
			if c.check != nil {
				c.check(t, o)
			}
		})
	}
}

// TestChartRefuses gives the chart values that make no cluster.
func TestChartRefuses(t *testing.T) {
	for values, want := range map[string]string{
		"replicas: 2":         "replicas",
		"replica: 3":          "replica",
		"drain: soon":         "drain",
		"antiAffinity: never": "antiAffinity",
		"peerTLS: {certManager: {enabled: true}}":    "name an issuer",
		"image: {tag: 1}":                            "tag",
		"tls: {enabled: true, certificate: web-tls}": "certificate",
	} {
		if _, err := render(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %s", values, err, want)
		}
	}
}

// pod is the container of Pemba.
func (o *objects) pod() core.Container { return o.set.Spec.Template.Spec.Containers[0] }

// fitTogether checks what one object says of another.
func (o *objects) fitTogether(t *testing.T) {
	t.Helper()
	set, pod, c := o.set, o.set.Spec.Template.Spec, o.pod()
	podLabels := labels.Set(set.Spec.Template.Labels)
	if !labels.SelectorFromSet(set.Spec.Selector.MatchLabels).Matches(podLabels) {
		t.Error("the set does not select its pods")
	}
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for name, s := range o.services {
		if !labels.SelectorFromSet(s.Spec.Selector).Matches(podLabels) {
			t.Errorf("service %s does not select the pods", name)
		}
		for _, p := range s.Spec.Ports {
			if ports[p.TargetPort.StrVal] != p.Port {
				t.Errorf("service %s sends port %d to %s", name, p.Port, p.TargetPort.StrVal)
			}
		}
	}
	peers := o.services[set.Spec.ServiceName]
	if peers == nil || peers.Spec.ClusterIP != core.ClusterIPNone || !peers.Spec.PublishNotReadyAddresses {
		t.Errorf("the service %s must name pods that are not ready yet", set.Spec.ServiceName)
	}
	if set.Spec.PodManagementPolicy != apps.ParallelPodManagement {
		t.Error("the first pod would wait for itself")
	}
	if o.accounts[pod.ServiceAccountName] == nil {
		t.Errorf("there is no service account %s", pod.ServiceAccountName)
	}
	for what, probe := range map[string]*core.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || ports[probe.HTTPGet.Port.StrVal] == 0 {
			t.Errorf("the %s probe asks no port of the pod", what)
		}
	}
	o.volumesFit(t)
	o.policiesFit(t, podLabels, ports)
	o.locked(t)
	o.serves(t)
}

// volumesFit checks that what is mounted exists, once, and holds the files that
// the arguments name.
func (o *objects) volumesFit(t *testing.T) {
	t.Helper()
	var volumes []string
	for _, v := range o.set.Spec.Template.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, v := range o.set.Spec.VolumeClaimTemplates {
		volumes = append(volumes, v.Name)
	}
	var mounted, paths []string
	for _, m := range o.pod().VolumeMounts {
		mounted, paths = append(mounted, m.Name), append(paths, m.MountPath)
	}
	slices.Sort(volumes)
	slices.Sort(mounted)
	if !slices.Equal(volumes, mounted) {
		t.Errorf("volumes %s, mounted %s", volumes, mounted)
	}
	for _, arg := range o.pod().Args {
		flag, value, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(value, "/") && !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(value, p+"/") }) {
			t.Errorf("%s names %s, and nothing is mounted there", flag, value)
		}
	}
}

func (o *objects) policiesFit(t *testing.T, pod labels.Set, ports map[string]int32) {
	t.Helper()
	for _, p := range o.policies {
		if !labels.SelectorFromSet(p.Spec.PodSelector.MatchLabels).Matches(pod) {
			t.Errorf("policy %s does not select the pods", p.Name)
		}
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				if port.Port.Type != intstr.String || ports[port.Port.StrVal] == 0 {
					t.Errorf("policy %s opens the port %s, which no pod has", p.Name, port.Port)
				}
				if port.Port.StrVal == "raft" && (len(rule.From) != 1 || !labels.SelectorFromSet(rule.From[0].PodSelector.MatchLabels).Matches(pod)) {
					t.Errorf("policy %s lets others than nodes reach the port of the nodes", p.Name)
				}
				if port.Port.StrVal == "metrics" && len(rule.From) == 0 {
					t.Errorf("policy %s opens the metrics to everybody", p.Name)
				}
			}
		}
	}
	for _, b := range o.budgets {
		if !labels.SelectorFromSet(b.Spec.Selector.MatchLabels).Matches(pod) || b.Spec.MaxUnavailable.IntValue() != 1 {
			t.Errorf("budget %s: %+v", b.Name, b.Spec)
		}
	}
}

// locked checks that the container may do nothing that it does not need.
func (o *objects) locked(t *testing.T) {
	t.Helper()
	pod, c := o.set.Spec.Template.Spec.SecurityContext, o.pod().SecurityContext
	if pod == nil || c == nil || !*pod.RunAsNonRoot || *pod.RunAsUser == 0 || pod.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault ||
		*c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) {
		t.Errorf("the container may do too much: %+v %+v", pod, c)
	}
	if auto := o.set.Spec.Template.Spec.AutomountServiceAccountToken; auto == nil || *auto {
		t.Error("the pod gets a token for Kubernetes")
	}
}

// reference is a variable in an argument.
var reference = regexp.MustCompile(`\$\((\w+)\)`)

// serves checks that pemba understands the arguments, and that the nodes and
// their certificate have the names by which they are looked for.
func (o *objects) serves(t *testing.T) {
	t.Helper()
	env := map[string]string{"POD_NAME": o.set.Name + "-0", "NAMESPACE": namespace}
	known := map[string]bool{}
	for _, v := range o.pod().Env {
		known[v.Name] = true
	}
	var args []string
	flags := map[string]string{}
	for _, arg := range o.pod().Args {
		for _, m := range reference.FindAllStringSubmatch(arg, -1) {
			if !known[m[1]] {
				t.Errorf("%s: the container has no variable %s", arg, m[1])
			}
		}
		arg = reference.ReplaceAllStringFunc(arg, func(v string) string { return env[v[2:len(v)-1]] })
		name, value, _ := strings.Cut(arg, "=")
		if _, twice := flags[name]; twice {
			t.Errorf("%s stands there twice", name)
		}
		flags[name] = value
		args = append(args, arg)
	}
	// Flags are understood before help is given.
	if out, err := run(t, pemba, append(args, "--help")...); err != nil {
		t.Errorf("%s: %v\n%s", args, err, out)
	}
	replicas := int(*o.set.Spec.Replicas)
	join := strings.Split(flags["--join"], ",")
	if len(join) != replicas || flags["--bootstrap-expect"] != fmt.Sprint(replicas) || join[0] != flags["--raft-advertise"] {
		t.Errorf("%d replicas expect %s, join %s, and the first is at %s", replicas, flags["--bootstrap-expect"], join, flags["--raft-advertise"])
	}
	for _, v := range o.set.Spec.Template.Spec.Volumes {
		if c := o.certificates[v.Secret.SecretName]; c != nil && v.Name == "peer-tls" {
			host, _, _ := strings.Cut(join[0], ":")
			_, domain, _ := strings.Cut(host, ".")
			if !slices.Contains(c.Spec.DNSNames, "*."+domain) || !slices.Contains(c.Spec.Usages, certmanager.UsageClientAuth) {
				t.Errorf("the certificate is not good for calls to and from %s: %+v", host, c.Spec)
			}
		}
	}
}

func checkMonitoring(t *testing.T, o *objects) {
	if len(o.monitors) != 1 || len(o.rules) != 1 || len(o.maps) != 1 {
		t.Fatalf("%d monitors, %d rules, %d maps", len(o.monitors), len(o.rules), len(o.maps))
	}
	m := o.monitors[0]
	selected := 0
	for _, s := range o.services {
		if labels.SelectorFromSet(m.Spec.Selector.MatchLabels).Matches(labels.Set(s.Labels)) {
			selected++
			if !slices.ContainsFunc(s.Spec.Ports, func(p core.ServicePort) bool { return p.Name == m.Spec.Endpoints[0].Port }) {
				t.Errorf("service %s has no port %s", s.Name, m.Spec.Endpoints[0].Port)
			}
			if job := s.Labels[m.Spec.JobLabel]; !strings.HasPrefix(job, "pemba") {
				t.Errorf("the job would be %q, and the rules look for pemba", job)
			}
		}
	}
	if selected != 1 {
		t.Errorf("the monitor selects %d services, so each node counts as often", selected)
	}
	n := 0
	for _, g := range o.rules[0].Spec.Groups {
		n += len(g.Rules)
	}
	if n != len(alerts(t)) {
		t.Errorf("%d rules, want %d", n, len(alerts(t)))
	}
	if got := o.maps[0].Data["pemba.json"]; strings.TrimSpace(got) != strings.TrimSpace(read(t, "deploy/grafana/pemba.json")) {
		t.Error("the dashboard is not the one in grafana/")
	}
}

// plainHeader begins the manifests that are made from the chart.
const plainHeader = "# Made from deploy/helm/pemba with its defaults: go test -update, in deploy.\n"

// TestPlainManifests holds kubernetes/ to what the chart renders by default, and
// builds it with Kustomize.
func TestPlainManifests(t *testing.T) {
	files, err := render("")
	if err != nil {
		t.Fatal(err)
	}
	var want, got strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join("kubernetes", name)
		text := plainHeader + strings.TrimSpace(files[name]) + "\n"
		want.WriteString(text + "---\n")
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if read(t, "deploy/kubernetes/"+name) != text {
			t.Errorf("%s is not what the chart renders: go test -update", path)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	got.Write(text)
	o, chart := decode(t, got.String()), decode(t, want.String())
	o.fitTogether(t)
	if len(o.services) != len(chart.services) || len(o.policies) != len(chart.policies) || len(o.budgets) != len(chart.budgets) {
		t.Error("kustomization.yaml leaves something out")
	}
	if o.set.Namespace != namespace {
		t.Errorf("the set is in the namespace %q", o.set.Namespace)
	}
}
