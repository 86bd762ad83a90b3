/*
 * A stand-in for the CUDA driver, for tests on machines without one. Memory is the host's, copies happen at once, a
 * launch is written to a log with the bytes of its argument and computes nothing. What a test sets or asks has names
 * that begin with stand_in_.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int result;
enum { OK = 0, OUT_OF_MEMORY = 2, NOT_READY = 600, INVALID_PTX = 218, LAUNCH_OUT_OF_RESOURCES = 701, ILLEGAL_ADDRESS = 700 };

static int version = 12040, devices = 1, major = 9, minor = 0, start = OK;
static size_t memory = 1 << 30, used;
static int links, behind, events, launch_failure, wait_failure, capture_failure, instantiate_failure, capturing, wrong_frees;
static char rejected[64], log_text[1 << 20], captured[1 << 16];
struct block { void *address; size_t bytes; } blocks[4096];

void stand_in_reset(void)
{
    version = 12040, devices = 1, major = 9, minor = 0, start = OK, memory = 1 << 30;
    links = behind = launch_failure = wait_failure = capture_failure = instantiate_failure = capturing = wrong_frees = 0;
    rejected[0] = log_text[0] = captured[0] = 0;
}
void stand_in_version(int v) { version = v; }
void stand_in_devices(int n) { devices = n; }
void stand_in_capability(int a, int b) { major = a, minor = b; }
void stand_in_start(int r) { start = r; }
void stand_in_memory(size_t bytes) { memory = used + bytes; }
void stand_in_reject(const char *kernel) { snprintf(rejected, sizeof rejected, "%s", kernel); }
void stand_in_fail_launch(int r) { launch_failure = r; }
void stand_in_fail_wait(int r) { wait_failure = r; }
void stand_in_fail_capture(int r) { capture_failure = r; }
void stand_in_fail_instantiate(int r) { instantiate_failure = r; }
void stand_in_fall_behind(int b) { behind = b; } /* until it is waited for */
int stand_in_events(void) { return events; }
int stand_in_links(void) { return links; }
int stand_in_wrong_frees(void) { return wrong_frees; }
const char *stand_in_log(void) { return log_text; }

static void append(const char *line) { strncat(capturing ? captured : log_text, line, 60000); }

result cuInit(unsigned flags) { (void)flags; return start; }
result cuDriverGetVersion(int *v) { *v = version; return OK; }
result cuGetErrorName(result r, const char **name)
{
    *name = r == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : r == INVALID_PTX ? "CUDA_ERROR_INVALID_PTX"
        : r == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : r == LAUNCH_OUT_OF_RESOURCES ? "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"
        : "CUDA_ERROR_UNKNOWN";
    return OK;
}
result cuGetErrorString(result r, const char **text) { (void)r; *text = "in the driver's words"; return OK; }
result cuDeviceGetCount(int *n) { *n = devices; return OK; }
result cuDeviceGet(int *device, int ordinal) { *device = ordinal; return OK; }
result cuDeviceGetName(char *name, int length, int device) { (void)device; snprintf(name, length, "Stand-in GPU"); return OK; }
result cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = memory; return OK; }
result cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    *value = attribute == 75 ? major : attribute == 76 ? minor : attribute == 16 ? 4 : attribute == 97 ? 232448
        : attribute == 38 ? 4 << 20 : 0;
    return OK;
}
result cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)(intptr_t)(device + 1); return OK; }
result cuDevicePrimaryCtxRelease_v2(int device) { (void)device; return OK; }
result cuCtxSetCurrent(void *context) { (void)context; return OK; }
result cuMemGetInfo_v2(size_t *available, size_t *total) { *available = memory - used; *total = memory; return OK; }
result cuMemAlloc_v2(void **address, size_t bytes)
{
    if (used + bytes > memory) return OUT_OF_MEMORY;
    for (int i = 0; i < 4096; i++)
        if (!blocks[i].address) {
            *address = blocks[i].address = aligned_alloc(256, (bytes + 255) / 256 * 256);
            blocks[i].bytes = bytes;
            used += bytes;
            return OK;
        }
    return OUT_OF_MEMORY;
}
result cuMemFree_v2(void *address)
{
    for (int i = 0; i < 4096; i++)
        if (blocks[i].address == address) {
            used -= blocks[i].bytes;
            blocks[i].address = NULL;
            free(address);
            return OK;
        }
    wrong_frees++;
    return 1;
}
result cuMemHostAlloc(void **address, size_t bytes, unsigned flags) { (void)flags; *address = malloc(bytes); return OK; }
result cuMemHostGetDevicePointer_v2(void **device, void *host, unsigned flags) { (void)flags; *device = host; return OK; }
result cuMemFreeHost(void *address) { free(address); return OK; }
result cuMemcpyHtoDAsync_v2(void *target, void *source, size_t bytes, void *stream) { (void)stream; memcpy(target, source, bytes); return OK; }
result cuMemcpyDtoHAsync_v2(void *target, void *source, size_t bytes, void *stream) { (void)stream; memcpy(target, source, bytes); return OK; }
result cuMemsetD8Async(void *target, unsigned char value, size_t count, void *stream) { (void)stream; memset(target, value, count); return OK; }

result cuStreamCreate(void **stream, unsigned flags) { *stream = (void *)(intptr_t)(flags == 1 ? 7 : 1); return OK; }
result cuStreamDestroy_v2(void *stream) { (void)stream; return OK; }
result cuStreamSynchronize(void *stream) { (void)stream; behind = 0; int r = wait_failure; wait_failure = OK; return r; }
result cuStreamBeginCapture_v2(void *stream, int mode)
{
    (void)mode;
    if (stream != (void *)7) return 1; /* the null stream cannot be captured */
    if (capture_failure) { int r = capture_failure; capture_failure = 0; return r; }
    capturing = 1;
    captured[0] = 0;
    return OK;
}
result cuStreamEndCapture(void *stream, void **graph) { (void)stream; capturing = 0; *graph = strdup(captured); return OK; }
result cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) 
{
    (void)flags;
    if (instantiate_failure) { int r = instantiate_failure; instantiate_failure = OK; return r; }
    *executable = strdup(graph);
    return OK;
}
result cuGraphLaunch(void *executable, void *stream) { (void)stream; append(executable); return OK; }
result cuGraphExecDestroy(void *executable) { free(executable); return OK; }
result cuGraphDestroy(void *graph) { free(graph); return OK; }

result cuEventCreate(void **event, unsigned flags) { (void)flags; *event = malloc(1); events++; return OK; }
result cuEventDestroy_v2(void *event) { free(event); events--; return OK; }
result cuEventRecord(void *event, void *stream) { (void)event; (void)stream; return OK; }
result cuEventSynchronize(void *event) { (void)event; int r = wait_failure; wait_failure = OK; return r; }
result cuEventQuery(void *event) { (void)event; return behind ? NOT_READY : OK; }
result cuEventElapsedTime(float *milliseconds, void *a, void *b) { (void)a; (void)b; *milliseconds = 1; return OK; }

/* NVTX: ranges as brackets. */
static char ranges[4096];
int nvtxRangePushA(const char *name) { strcat(strcat(ranges, name), "("); return 0; }
int nvtxRangePop(void) { strcat(ranges, ")"); return 0; }
const char *stand_in_ranges(void) { return ranges; }

/* The "machine code" of a kernel is its PTX: enough to know its name and the size of its argument. */
struct link { char *log; size_t log_bytes; char *text; };
result cuLinkCreate_v2(unsigned count, int *options, void **values, void **out)
{
    struct link *link = calloc(1, sizeof *link);
    for (unsigned i = 0; i < count; i++) {
        if (options[i] == 5) link->log = values[i];
        if (options[i] == 6) link->log_bytes = (size_t)values[i];
    }
    *out = link;
    return OK;
}
result cuLinkAddData_v2(struct link *link, int type, char *data, size_t bytes, const char *name, unsigned count, int *options, void **values)
{
    (void)count; (void)options; (void)values;
    links++;
    if (type != 1 || data[bytes - 1] != 0 || (rejected[0] && !strcmp(name, rejected))) {
        snprintf(link->log, link->log_bytes, "ptxas: line 6; fatal: stand-in refusal\n");
        return INVALID_PTX;
    }
    link->text = strdup(data);
    return OK;
}
result cuLinkComplete(struct link *link, void **cubin, size_t *bytes) { *cubin = link->text; *bytes = strlen(link->text) + 1; return OK; }
result cuLinkDestroy(struct link *link) { free(link->text); free(link); return OK; }

struct function { char name[64]; int argument_bytes, shared_bytes; };
result cuModuleLoadData(void **module, const char *image)
{
    struct function *f = calloc(1, sizeof *f);
    const char *entry = strstr(image, ".entry "), *size = strstr(image, ".b8 _");
    if (!entry || sscanf(entry, ".entry %63[^(]", f->name) != 1) return 200;
    if (!size || sscanf(strchr(size, '['), "[%d]", &f->argument_bytes) != 1) return 200;
    *module = f;
    return OK;
}
result cuModuleUnload(void *module) { free(module); return OK; }
result cuModuleGetFunction(void **function, struct function *module, const char *name) { *function = module; return strcmp(name, module->name) ? 500 : OK; }
result cuFuncSetAttribute(struct function *f, int attribute, int value) { if (attribute == 8) f->shared_bytes = value; return OK; }
result cuFuncGetAttribute(int *value, int attribute, struct function *f) { (void)attribute; (void)f; *value = 0; return OK; }
result cuLaunchKernel(struct function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
    unsigned shared, void *stream, void **parameters, void **extra)
{
    (void)stream; (void)extra;
    char line[8192];
    if (launch_failure) { int r = launch_failure; launch_failure = OK; return r; }
    if (by != 1 || bz != 1 || (shared > 49152 && (int)shared > f->shared_bytes)) return LAUNCH_OUT_OF_RESOURCES;
    int n = snprintf(line, sizeof line, "%s %u,%u,%u %u %u ", f->name, gx, gy, gz, bx, shared);
    for (int i = 0; i < f->argument_bytes && n < 8000; i++) n += snprintf(line + n, sizeof line - n, "%02X", ((unsigned char *)parameters[0])[i]);
    snprintf(line + n, sizeof line - n, "\n");
    append(line);
    return OK;
}
