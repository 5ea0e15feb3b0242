/* SPDX-License-Identifier: MIT */
/* Reads the tables of an ELF file, each checked against its size; see plugin_elf.h. */
#include "loader/plugin_elf.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pointer size decides the class, as for ElfW. */
#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)

#define COMPILERS_CONSTRUCTORS 1 /* frame_dummy of crtbeginS.o */
#define TEXT_MAX               4096

struct image {
	const unsigned char *bytes;
	size_t size;
	const ElfW(Ehdr) * head;
};

/* n rows of a size at that place; NULL: they are not in the file, or not where such rows may be. */
static const void *rows_at(const struct image *i, uint64_t at, uint64_t n, size_t row)
{
	if (at > i->size || n > (i->size - at) / row || at % _Alignof(ElfW(Addr)) != 0)
		return NULL;
	return i->bytes + at;
}

/* A text that ends within its section, and is not endless; "" else. */
static const char *text_at(const struct image *i, const ElfW(Shdr) * strings, uint64_t at)
{
	uint64_t left;

	if (strings->sh_offset > i->size || strings->sh_size > i->size - strings->sh_offset || at >= strings->sh_size)
		return "";
	left = strings->sh_size - at;
	if (memchr(i->bytes + strings->sh_offset + at, '\0', left < TEXT_MAX ? left : TEXT_MAX) == NULL)
		return "";
	return (const char *)i->bytes + strings->sh_offset + at;
}

/* For a terminal: whoever made the file chose these bytes. */
static void text_copy(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; text[n] != '\0' && n + 1 < size; n++)
		out[n] = text[n] > ' ' && text[n] < 0x7f ? text[n] : '?';
	out[n] = '\0';
}

static bool is_ours(const struct image *i)
{
	return i->size >= sizeof *i->head && memcmp(i->head->e_ident, ELFMAG, SELFMAG) == 0 &&
	       i->head->e_ident[EI_CLASS] == NATIVE_CLASS && i->head->e_type == ET_DYN &&
	       i->head->e_shentsize == sizeof(ElfW(Shdr)) && i->head->e_phentsize == sizeof(ElfW(Phdr));
}

static void segments_look(const struct image *i, struct plugin_elf *out)
{
	const ElfW(Phdr) * p;

	p = rows_at(i, i->head->e_phoff, i->head->e_phnum, sizeof *p);
	for (size_t k = 0; p != NULL && k < i->head->e_phnum; k++)
		if (p[k].p_type == PT_GNU_STACK && (p[k].p_flags & PF_X))
			out->executable_stack = true;
}

static void dynamic_look(const struct image *i, const ElfW(Shdr) * s, const ElfW(Shdr) * strings,
                         struct plugin_elf *out)
{
	size_t n = s->sh_size / sizeof(ElfW(Dyn));
	const ElfW(Dyn) * d;

	d = rows_at(i, s->sh_offset, n, sizeof *d);
	for (size_t k = 0; d != NULL && k < n && d[k].d_tag != DT_NULL; k++)
		if (d[k].d_tag == DT_TEXTREL || (d[k].d_tag == DT_FLAGS && (d[k].d_un.d_val & DF_TEXTREL)))
			out->relocates_text = true;
		else if (d[k].d_tag == DT_RPATH || d[k].d_tag == DT_RUNPATH)
			text_copy(out->run_path, sizeof out->run_path, text_at(i, strings, d[k].d_un.d_val));
		else if (d[k].d_tag == DT_INIT_ARRAYSZ &&
		         d[k].d_un.d_val / sizeof(ElfW(Addr)) > COMPILERS_CONSTRUCTORS)
			out->constructors = d[k].d_un.d_val / sizeof(ElfW(Addr)) - COMPILERS_CONSTRUCTORS;
}

static void exported_add(struct plugin_elf *out, const char *name)
{
	size_t used = strlen(out->exported);
	char shown[61];

	if (out->n_exported++ >= 4)
		return;
	text_copy(shown, sizeof shown, name);
	snprintf(out->exported + used, sizeof out->exported - used, "%s%s", used > 0 ? " " : "", shown);
}

static bool is_exported(const ElfW(Sym) * s)
{
	unsigned binding = ELF64_ST_BIND(s->st_info), visibility = ELF64_ST_VISIBILITY(s->st_other);

	return s->st_shndx != SHN_UNDEF && s->st_shndx < SHN_LORESERVE &&
	       (binding == STB_GLOBAL || binding == STB_WEAK) &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static void symbols_look(const struct image *i, const ElfW(Shdr) * s, const ElfW(Shdr) * strings,
                         const char *descriptor, struct plugin_elf *out)
{
	size_t n = s->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) * symbols;

	symbols = rows_at(i, s->sh_offset, n, sizeof *symbols);
	for (size_t k = 0; symbols != NULL && k < n; k++)
		if (is_exported(&symbols[k]) && strcmp(text_at(i, strings, symbols[k].st_name), descriptor) != 0)
			exported_add(out, text_at(i, strings, symbols[k].st_name));
}

static bool image_look(const struct image *i, const char *descriptor, struct plugin_elf *out)
{
	const ElfW(Shdr) * s;

	if (!is_ours(i))
		return false;
	segments_look(i, out);
	s = rows_at(i, i->head->e_shoff, i->head->e_shnum, sizeof *s);
	for (size_t k = 0; s != NULL && k < i->head->e_shnum; k++) {
		if (s[k].sh_link >= i->head->e_shnum)
			continue;
		if (s[k].sh_type == SHT_DYNAMIC)
			dynamic_look(i, &s[k], &s[s[k].sh_link], out);
		else if (s[k].sh_type == SHT_DYNSYM)
			symbols_look(i, &s[k], &s[s[k].sh_link], descriptor, out);
	}
	return true;
}

bool plugin_elf_look(const char *path, const char *descriptor, struct plugin_elf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct image i = {.size = 0};
	bool found = false;
	struct stat st;
	void *bytes;

	*out = (struct plugin_elf){.n_exported = 0};
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED) {
			i = (struct image){bytes, (size_t)st.st_size, bytes};
			found = image_look(&i, descriptor, out);
			munmap(bytes, i.size);
		}
	}
	close(fd);
	return found;
}
