/* SPDX-License-Identifier: MIT */
/* Files that somebody hostile made, looked at as plugins. */
#include "loader/plugin_elf.h"

#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"

#define CLASS      (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define FEW        3
#define MANY       400000
#define LONG_BYTES (8u << 20)

/* A shared object of so many symbols, all of one name. */
static void file_write(char path[], size_t symbols, const char *name, size_t name_size)
{
	const ElfW(Ehdr) head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, CLASS, ELFDATA2LSB, EV_CURRENT},
	                         .e_type = ET_DYN,
	                         .e_shoff = sizeof head,
	                         .e_phoff = sizeof head,
	                         .e_phentsize = sizeof(ElfW(Phdr)),
	                         .e_shentsize = sizeof(ElfW(Shdr)),
	                         .e_shnum = 2};
	const ElfW(Sym) symbol = {.st_info = STB_GLOBAL << 4, .st_shndx = 1};
	const ElfW(Shdr) sections[2] = {{.sh_type = SHT_DYNSYM,
	                                 .sh_offset = sizeof head + sizeof sections,
	                                 .sh_size = symbols * sizeof symbol,
	                                 .sh_link = 1},
	                                {.sh_type = SHT_STRTAB,
	                                 .sh_offset = sizeof head + sizeof sections + symbols * sizeof symbol,
	                                 .sh_size = name_size}};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	fwrite(&head, sizeof head, 1, f);
	fwrite(sections, sizeof sections, 1, f);
	for (size_t i = 0; i < symbols; i++)
		fwrite(&symbol, sizeof symbol, 1, f);
	fwrite(name, name_size, 1, f);
	assert_int_equal(fclose(f), 0);
}

static void names_reach_no_terminal_as_they_are(void **state)
{
	char path[] = "/tmp/plugin_elf.XXXXXX";
	static const char name[] = "\x1b]0;mine\x07\x1b[2J b";
	struct plugin_elf elf;

	(void)state;
	file_write(path, FEW, name, sizeof name);
	assert_true(plugin_elf_look(path, "t3ops_plugin_x", &elf));
	unlink(path);
	assert_int_equal(elf.n_exported, FEW);
	assert_string_equal(elf.exported, "?]0;mine??[2J?b ?]0;mine??[2J?b ?]0;mine??[2J?b");
}

static void names_without_end_take_no_time(void **state)
{
	char path[] = "/tmp/plugin_elf.XXXXXX";
	char *name = malloc(LONG_BYTES);
	uint64_t began_us = clock_mono_us();
	struct plugin_elf elf;

	(void)state;
	assert_non_null(name);
	memset(name, 'a', LONG_BYTES - 1);
	name[LONG_BYTES - 1] = '\0';
	file_write(path, MANY, name, LONG_BYTES);
	free(name);
	assert_true(plugin_elf_look(path, "t3ops_plugin_x", &elf));
	unlink(path);
	assert_int_equal(elf.n_exported, MANY);
	assert_true(clock_mono_us() - began_us < UINT64_C(60000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_reach_no_terminal_as_they_are),
	                                   cmocka_unit_test(names_without_end_take_no_time)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
