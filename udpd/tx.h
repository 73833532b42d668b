/*
 * tx.h - from an app's ring down to ipd
 */
#ifndef UDPD_TX_H
#define UDPD_TX_H

#include "udpd/udpd.h"

/*
 * Send what socket @id's app has written, up to the count @written, at most
 * *@budget datagrams, which are taken off *@budget.
 */
enum apps_served tx_serve(
    struct udpd *u, uint32_t id, uint64_t written, uint32_t *budget);

#endif /* UDPD_TX_H */
