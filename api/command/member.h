/*
 * member.h - members of a JSON object that may not be there
 *
 * What comes from a stack, perhaps of another version: 0 and "" stand for all
 * that is missing or of another kind.
 */
#ifndef API_COMMAND_MEMBER_H
#define API_COMMAND_MEMBER_H

#include <jansson.h>
#include <string.h>

static inline json_int_t member_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static inline double member_real(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static inline const char *member_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static inline int member_is(const json_t *o, const char *key, const char *text)
{
	return strcmp(member_text(o, key), text) == 0;
}

#endif /* API_COMMAND_MEMBER_H */
