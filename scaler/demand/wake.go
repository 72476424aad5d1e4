// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demand

import "fmt"

// Waiting is a query of what waits in front of the pods, where none is zero.
func Waiting(query string) string { return "(\n" + query + "\n)\nor vector(0)" }

// EndpointPicker is what waits at llm-d's endpoint picker, or runs, for one name of a model: a request is in one of the two, never in both. The
// pool's saturation would not do: it is 1 for an empty pool. Nor would the older names of the two beside them, which count the same again.
func EndpointPicker(namespace, model string) string {
	return fmt.Sprintf("sum({__name__=~%q,namespace=%q,model_name=%q}) or vector(0)", EndpointPickerQueue+"|"+EndpointPickerRunning, namespace, model)
}

// Metrics of llm-d's endpoint picker (pkg/epp/metrics/llm_d_router_metrics.go).
const (
	EndpointPickerQueue   = "llm_d_epp_flow_control_queue_size"
	EndpointPickerRunning = "llm_d_epp_request_running"
)

// HTTPAddOn is what KEDA's interceptor holds or has passed on, for one route of a namespace. A series is there from a route's first request on, and
// is 0 between requests. Requests that match no route are answered 404 and not counted, so that a Host that somebody makes up wakes
// nothing. namespace is that of the interceptor's pods, as Prometheus says it: metrics of the same name that others export do not count.
func HTTPAddOn(namespace, routeNamespace, route string) string {
	return fmt.Sprintf("sum(%s{namespace=%q,route_namespace=%q,route_name=%q}) or vector(0)", InterceptorConcurrency, namespace, routeNamespace, route)
}

// InterceptorConcurrency is the interceptor's gauge since 0.14 (interceptor/metrics/instruments.go: interceptor.request.concurrency). Before, it
// was named otherwise, and had the Host for a label.
const InterceptorConcurrency = "interceptor_request_concurrency"
