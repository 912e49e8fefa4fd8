/* The floor under every libjpeg-turbo thumbnail: entropy decoding.
 *
 * Decodes at 1/8 with grey output and throws the rows away. Every Huffman code is still read, only the DC coefficient
 * of luma is turned into a pixel, nothing is resampled and nothing encoded. Same arguments and JSON line as the other
 * peers (see protocol.py); the sizes do not matter to it. Links Debian's libjpeg-turbo.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>

enum { LEAST_RENDERS = 1, LONGEST_ROW = 65535 };

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void decode(const char *path) {
  static JSAMPLE row[LONGEST_ROW];
  JSAMPROW rows[1] = {row};
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_stdio_src(&jpeg, file);
  jpeg_read_header(&jpeg, TRUE);
  jpeg.scale_num = 1;
  jpeg.scale_denom = 8;
  jpeg.out_color_space = JCS_GRAYSCALE;
  jpeg.do_block_smoothing = FALSE;
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) jpeg_read_scanlines(&jpeg, rows, 1);
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  fclose(file);
}

static long memory_kib(const char *field) {
  char line[256];
  long kib = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (!strncmp(line, field, strlen(field))) kib = atol(line + strlen(field));
  if (status) fclose(status);
  return kib;
}

int main(int count, char **words) {
  double budget = 0.5;
  for (int i = 2; i + 1 < count; i++)
    if (!strcmp(words[i], "--budget")) budget = atof(words[i + 1]);
  if (count < 2) return 2;
  long idle = memory_kib("VmRSS:");
  if (budget > 0) decode(words[1]);
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC), spent;
  int renders = 0;
  do {
    decode(words[1]);
    renders++;
    spent = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  } while (budget > 0 && (spent < budget || renders < LEAST_RENDERS));
  printf("{\"cpu\": %.9f, \"wall\": %.9f, \"renders\": %d, \"peak_kib\": %ld, \"idle_kib\": %ld, \"bytes\": 0}\n",
         spent / renders, (seconds(CLOCK_MONOTONIC) - wall) / renders, renders, memory_kib("VmHWM:"), idle);
  return 0;
}
