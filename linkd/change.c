/*
 * change.c - addresses and neighbours, changed at run time (shm/ask.h)
 *
 * A change is a turn of its own with nothing else in it (no frame moves, new
 * settings of a bad wire wait for the next), so it survives us or has not
 * happened; its number is part of it, so it does not happen twice.
 */
#include <errno.h>

#include "linkd/address.h"
#include "linkd/publish.h"

/* ---- Addresses */

static int check_address(const struct linkd *x, const struct ask *q)
{
	const struct topo_link *l = &x->n.topo->links[q->link];

	if (q->plen > (ip_is_v4(&q->ip) ? 32 : 128))
		return -EINVAL;
	if (ip_is_any(&q->ip) || ip_is_multicast(&q->ip) ||
	    ip_is_broadcast(&q->ip))
		return -EINVAL;
	if (ip_is_loopback(&q->ip) && l->device != DEVICE_LOOPBACK)
		return -EINVAL;
	/* RFC 8200, 5. */
	return !ip_is_v4(&q->ip) && l->mtu < 1280 ? -EMSGSIZE : 0;
}

static int put_address(struct linkd *x, const struct ask *q)
{
	const struct topo_addr a = {
		.ip = q->ip,
		.plen = q->plen,
		.link = q->link,
	};
	uint32_t i = address_find(x, q->link, &q->ip);
	int r = check_address(x, q);

	if (r < 0)
		return r;
	if (i != ADDRESS_NONE && q->change == ASK_ADD)
		return -EEXIST;
	if (i == ADDRESS_NONE && q->change == ASK_CHANGE)
		return -ENOENT;
	if (i == ADDRESS_NONE)
		return address_add(x, &a, x->n.now);
	address_set_plen(x, i, q->plen);
	return 0;
}

static int change_address(struct linkd *x, const struct ask *q)
{
	uint32_t i;

	if (q->change != ASK_DELETE)
		return put_address(x, q);
	i = address_find(x, q->link, &q->ip);
	if (i == ADDRESS_NONE || x->st->addr[i].plen != q->plen)
		return -ENOENT;
	address_remove(x, i);
	return 0;
}

/* ---- Neighbours */

static int change_neighbour(struct linkd *x, const struct ask *q)
{
	uint32_t id = neighbour_find(&x->nb, q->link, &q->ip);

	if (!link_is_ethernet(x, q->link) || ip_is_any(&q->ip) ||
	    ip_is_multicast(&q->ip) || (q->mac[0] & 1) != 0 ||
	    address_find(x, q->link, &q->ip) != ADDRESS_NONE)
		return -EINVAL;
	if (id != NEIGHBOUR_NONE && q->change == ASK_ADD)
		return -EEXIST;
	if (id == NEIGHBOUR_NONE &&
	    (q->change == ASK_CHANGE || q->change == ASK_DELETE))
		return -ENOENT;
	if (q->change == ASK_DELETE) {
		neighbour_forget(&x->nb, id);
		return 0;
	}
	return neighbour_set(&x->nb, q->link, &q->ip,
	    &(struct mac){ { q->mac[0], q->mac[1], q->mac[2], q->mac[3],
		q->mac[4], q->mac[5] } },
	    q->permanent != 0, x->n.now);
}

/* ---- The turn */

static int change(struct linkd *x, const struct ask *q)
{
	if (!link_is_ours(x, q->link))
		return -ENODEV;
	switch ((enum ask_op)q->op) {
	case ASK_ADDRESS:
		return change_address(x, q);
	case ASK_NEIGHBOUR:
		return change_neighbour(x, q);
	case ASK_SOCKETS:
	case ASK_ROUTE:
	case ASK_WAY:
	case NASK_OPS:
		break;
	}
	return -EOPNOTSUPP;
}

int linkd_change(struct linkd *x, const struct ask *q, struct mono now)
{
	struct ask_done *done = &x->st->done;

	if (done->number == q->number)
		return done->result;
	node_begin(&x->n, now);
	neighbour_turn(&x->nb);
	node_touch(&x->n, done, sizeof(*done));
	done->number = q->number;
	done->result = change(x, q);
	node_commit(&x->n);
	address_groups(x, true);
	publish(x, now, true);
	return done->result;
}
