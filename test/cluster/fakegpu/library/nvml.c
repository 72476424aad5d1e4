// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0
//
// The part of NVML that monitoring and device plugins call, answered out of a state file. Every call reads the file anew, so
// what it returns follows the file; the file is replaced as a whole, so one call sees one state. Types and numbers are those
// of NVML's C interface. A call that is missing here ends the process that makes it: add it.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SUCCESS = 0,
	UNINITIALIZED = 1,
	INVALID_ARGUMENT = 2,
	NOT_FOUND = 6,
	INSUFFICIENT_SIZE = 7,
	DRIVER_NOT_LOADED = 9,
	GPU_IS_LOST = 15,
	VERSION_MISMATCH = 25,
	UNKNOWN = 999,
};

// ---- the state file; the limits are those of state.go, and the widths in the formats keep to them

enum { MAX_DEVICES = 16, MAX_PROCESSES = 1024, TEXT = 80, LINE = 256 };

struct device {
	char uuid[TEXT], name[TEXT];
	unsigned long long total, reserved, used; // bytes; used is without reserved
};

struct process {
	unsigned int device, pid;
	unsigned long long used; // bytes
};

struct state {
	char driver[TEXT];
	unsigned int devices, processes;
	struct device device[MAX_DEVICES];
	struct process process[MAX_PROCESSES];
};

static int parse_device(struct state *s, const char *line) {
	if (s->devices == MAX_DEVICES) return UNKNOWN;
	struct device *d = &s->device[s->devices];
	unsigned int index;
	if (sscanf(line, "device %2u %79s %19llu %19llu %79[^\n]", &index, d->uuid, &d->total, &d->reserved, d->name) != 5) return UNKNOWN;
	if (index != s->devices || d->reserved > d->total) return UNKNOWN;
	s->devices++;
	return SUCCESS;
}

static int parse_process(struct state *s, const char *line) {
	if (s->processes == MAX_PROCESSES) return UNKNOWN;
	struct process *p = &s->process[s->processes];
	if (sscanf(line, "process %2u %7u %19llu", &p->device, &p->pid, &p->used) != 3 || p->device >= s->devices) return UNKNOWN;
	struct device *d = &s->device[p->device];
	if (p->used > d->total - d->reserved - d->used) return UNKNOWN;
	d->used += p->used;
	s->processes++;
	return SUCCESS;
}

static int parse_line(struct state *s, const char *line) {
	if (!strchr(line, '\n')) return UNKNOWN;
	if (!strncmp(line, "device ", 7)) return parse_device(s, line);
	if (!strncmp(line, "process ", 8)) return parse_process(s, line);
	return sscanf(line, "driver %79s", s->driver) == 1 ? SUCCESS : UNKNOWN;
}

static int read_state(struct state *s) {
	const char *path = getenv("HOIST_FAKE_GPU_STATE");
	FILE *file = fopen(path && *path ? path : "/run/hoist-fake-gpu/state", "re");
	if (!file) return DRIVER_NOT_LOADED;
	memset(s, 0, sizeof *s);
	char line[LINE];
	int ret = SUCCESS;
	while (ret == SUCCESS && fgets(line, sizeof line, file)) ret = parse_line(s, line);
	if (ret == SUCCESS && (ferror(file) || !*s->driver)) ret = UNKNOWN;
	fclose(file);
	return ret;
}

// ---- what every call does first

static int users; // calls of nvmlInit less those of nvmlShutdown

static int load(struct state *s) {
	return __atomic_load_n(&users, __ATOMIC_SEQ_CST) > 0 ? read_state(s) : UNINITIALIZED;
}

typedef struct device_handle *nvmlDevice_t; // the index and one, so that NULL is no device

static nvmlDevice_t handle(unsigned int index) { return (nvmlDevice_t)(uintptr_t)(index + 1); }

static int load_device(struct state *s, nvmlDevice_t device, unsigned int *index) {
	int ret = load(s);
	if (ret != SUCCESS) return ret;
	if (!device) return INVALID_ARGUMENT;
	if ((uintptr_t)device > s->devices) return GPU_IS_LOST;
	*index = (unsigned int)(uintptr_t)device - 1;
	return SUCCESS;
}

static int copy(char *to, unsigned int length, const char *text) {
	if (!to) return INVALID_ARGUMENT;
	if (length <= strlen(text)) return INSUFFICIENT_SIZE;
	strcpy(to, text);
	return SUCCESS;
}

// ---- the library and the driver

int nvmlInitWithFlags(unsigned int flags) {
	struct state s;
	(void)flags;
	int ret = read_state(&s);
	if (ret == SUCCESS) __atomic_add_fetch(&users, 1, __ATOMIC_SEQ_CST);
	return ret;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
	int now = __atomic_load_n(&users, __ATOMIC_SEQ_CST);
	while (now > 0)
		if (__atomic_compare_exchange_n(&users, &now, now - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return SUCCESS;
	return UNINITIALIZED;
}

const char *nvmlErrorString(int ret) {
	switch (ret) {
	case SUCCESS: return "success";
	case UNINITIALIZED: return "nvmlInit was not called";
	case INVALID_ARGUMENT: return "invalid argument";
	case NOT_FOUND: return "no such device";
	case INSUFFICIENT_SIZE: return "the buffer is too small";
	case DRIVER_NOT_LOADED: return "simulated driver not loaded: no state file";
	case GPU_IS_LOST: return "the device is no longer in the state file";
	case VERSION_MISMATCH: return "unknown version of a structure";
	default: return "the state file is malformed";
	}
}

int nvmlSystemGetDriverVersion(char *version, unsigned int length) {
	struct state s;
	int ret = load(&s);
	return ret != SUCCESS ? ret : copy(version, length, s.driver);
}

// Like NVIDIA's: the major version of CUDA before that of the driver. This call needs no nvmlInit.
int nvmlSystemGetNVMLVersion(char *version, unsigned int length) {
	struct state s;
	char text[TEXT + 3];
	int ret = read_state(&s);
	if (ret != SUCCESS) return ret;
	snprintf(text, sizeof text, "12.%s", s.driver);
	return copy(version, length, text);
}

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
	if (!version) return INVALID_ARGUMENT;
	*version = 12080; // 12.8
	return SUCCESS;
}

int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

// ---- finding a device

int nvmlDeviceGetCount_v2(unsigned int *count) {
	struct state s;
	int ret = load(&s);
	if (ret != SUCCESS) return ret;
	if (!count) return INVALID_ARGUMENT;
	*count = s.devices;
	return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
	struct state s;
	int ret = load(&s);
	if (ret != SUCCESS) return ret;
	if (!device || index >= s.devices) return INVALID_ARGUMENT;
	*device = handle(index);
	return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
	struct state s;
	int ret = load(&s);
	if (ret != SUCCESS) return ret;
	if (!uuid || !device) return INVALID_ARGUMENT;
	for (unsigned int i = 0; i < s.devices; i++) {
		if (strcmp(uuid, s.device[i].uuid)) continue;
		*device = handle(i);
		return SUCCESS;
	}
	return NOT_FOUND;
}

// ---- what a device is

int nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	return ret != SUCCESS ? ret : copy(uuid, length, s.device[i].uuid);
}

int nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	return ret != SUCCESS ? ret : copy(name, length, s.device[i].name);
}

int nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	if (ret != SUCCESS) return ret;
	if (!index) return INVALID_ARGUMENT;
	*index = i;
	return SUCCESS;
}

int nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned int *minor) { return nvmlDeviceGetIndex(device, minor); }

int nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	if (ret != SUCCESS) return ret;
	if (!major || !minor) return INVALID_ARGUMENT;
	*major = 9;
	*minor = 0;
	return SUCCESS;
}

int nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	if (ret != SUCCESS) return ret;
	if (!current || !pending) return INVALID_ARGUMENT;
	*current = *pending = 0;
	return SUCCESS;
}

int nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
	unsigned int pending;
	return nvmlDeviceGetMigMode(device, count, &pending); // 0 either way
}

// ---- memory, in bytes

typedef struct {
	unsigned long long total, free, used; // used is with what the driver reserves
} nvmlMemory_t;

typedef struct {
	unsigned int version; // the structure's size and, in the highest byte, 2
	unsigned long long total, reserved, free, used; // used is what processes hold
} nvmlMemory_v2_t;

int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	if (ret != SUCCESS) return ret;
	if (!memory) return INVALID_ARGUMENT;
	const struct device *d = &s.device[i];
	memory->total = d->total;
	memory->used = d->reserved + d->used;
	memory->free = d->total - memory->used;
	return SUCCESS;
}

int nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
	struct state s;
	unsigned int i;
	int ret = load_device(&s, device, &i);
	if (ret != SUCCESS) return ret;
	if (!memory) return INVALID_ARGUMENT;
	if (memory->version != (sizeof *memory | 2u << 24)) return VERSION_MISMATCH;
	const struct device *d = &s.device[i];
	memory->total = d->total;
	memory->reserved = d->reserved;
	memory->used = d->used;
	memory->free = d->total - d->reserved - d->used;
	return SUCCESS;
}

// ---- processes; versions 2 and 3 of these calls fill the same structure

typedef struct {
	unsigned int pid;
	unsigned long long used; // bytes
	unsigned int gpu_instance, compute_instance; // all ones without MIG
} nvmlProcessInfo_t;

// *count is the length of infos, and becomes the number of processes. Where that is more, nothing is filled in.
int nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
	struct state s;
	unsigned int i, room, found = 0;
	int ret = load_device(&s, device, &i);
	if (ret != SUCCESS) return ret;
	if (!count || (*count > 0 && !infos)) return INVALID_ARGUMENT;
	room = *count;
	*count = 0;
	for (unsigned int p = 0; p < s.processes; p++) *count += s.process[p].device == i;
	if (*count > room) return INSUFFICIENT_SIZE;
	for (unsigned int p = 0; p < s.processes; p++) {
		if (s.process[p].device != i) continue;
		infos[found++] = (nvmlProcessInfo_t){s.process[p].pid, s.process[p].used, ~0u, ~0u};
	}
	return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
	return nvmlDeviceGetComputeRunningProcesses_v3(device, count, infos);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
	(void)infos;
	return nvmlDeviceGetMaxMigDeviceCount(device, count); // there are none
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
	return nvmlDeviceGetGraphicsRunningProcesses_v3(device, count, infos);
}
