// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Floor is a number of replicas at certain hours.
//
// +kubebuilder:validation:XValidation:rule="self.start != self.end",message="start and end can't be the same"
type Floor struct {
	// +required
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name"`

	// start and end are cron expressions of five fields, such as 0 8 * * 1-5 and 0 19 * * 1-5. Replicas are asked for one cold start
	// before start, but not before the end that was before it.
	//
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^\s*[^\s=@]+(\s+[^\s=@]+){4}\s*$`
	Start string `json:"start"`

	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^\s*[^\s=@]+(\s+[^\s=@]+){4}\s*$`
	End string `json:"end"`

	// timeZone of both, such as Europe/Berlin (IANA); UTC when it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Replicas int32 `json:"replicas"`
}
