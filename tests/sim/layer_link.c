/*
 * layer_link.c - linkd on the simulated wire
 *
 * The device copies frames as the kernel does: whole, whatever becomes of the
 * process meanwhile (stores_kernel_begin).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linkd/linkd.h"
#include "tests/harness/stores.h"
#include "tests/sim/app.h"
#include "tests/sim/host.h"

static void read_one(struct sim *s, uint32_t host, struct rx_buf *b)
{
	struct frame *f = wire_take(s, host);

	*b = (struct rx_buf){ .p = b->p, .size = b->size, .len = -EAGAIN };
	if (f == NULL)
		return;
	/* A TAP cuts off what does not fit. */
	b->len = (int32_t)(f->len < b->size ? f->len : b->size);
	stores_kernel_begin();
	memcpy(b->p, f->b, (size_t)b->len);
	free(f);
	stores_kernel_end();
}

static void device_rx(struct netdev *d, struct rx_buf *b, uint32_t n)
{
	struct proc *p = d->ctx;

	for (uint32_t i = 0; i < n; i++)
		read_one(p->s, p->h->index, &b[i]);
}

static bool write_one(struct proc *p, const struct tx_frame *f)
{
	bool sent;

	stores_kernel_begin();
	sent = wire_send(p->s, p->h->index, f->iov, f->niov);
	stores_kernel_end();
	return sent;
}

static void device_tx(struct netdev *d, struct tx_frame *f, uint32_t n)
{
	struct proc *p = d->ctx;
	uint32_t i = 0;

	for (; i < n && write_one(p, &f[i]); i++)
		f[i].result = 0;
	for (uint32_t refused = i; i < n; i++)
		f[i].result = i == refused ? -EAGAIN : -ECANCELED;
}

static int attach(struct proc *p, const struct segments *s, struct mono now)
{
	static const struct netdev_ops ops = { .rx = device_rx,
		.tx = device_tx };
	struct linkd *x = p->x;

	x->seed = random_next(&p->s->r);
	x->dev[0] = (struct netdev){
		.ops = &ops,
		.ctx = p,
		.vnet_len = (uint8_t)wire_vnet(p->s),
		.ready = true,
		.batch = 1,
	};
	for (uint32_t i = 0; i < HOST_APPS; i++)
		if (p->h->app[i] != NULL)
			link_app(p, i, app_a2s(p->h->app[i]));
	return linkd_attach(x, s, now);
}

static bool turn(void *x, struct mono now)
{
	return linkd_turn(x, now);
}

static struct mono deadline(const void *x)
{
	return linkd_deadline(x);
}

static bool may_sleep(void *x)
{
	return linkd_may_sleep(x);
}

static void detach(void *x)
{
	linkd_detach(x);
}

const struct proc_ops link_ops = {
	.size = sizeof(struct linkd),
	.attach = attach,
	.turn = turn,
	.deadline = deadline,
	.may_sleep = may_sleep,
	.detach = detach,
};

void link_readable(struct proc *p)
{
	((struct linkd *)p->x)->dev[0].ready = true;
}

void link_writable(struct proc *p)
{
	((struct linkd *)p->x)->dev[0].blocked = false;
}

void link_app(struct proc *p, uint32_t app, uint8_t *a2s)
{
	if (p->x != NULL)
		((struct linkd *)p->x)->apps.a2s[app] = a2s;
}
