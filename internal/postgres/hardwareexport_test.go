package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// HardwareWish is what an order wants of its project's reserved machines.
type HardwareWish = hardwareWish

// Promise chooses a reservation for a device, and writes it down, as an order
// does.
func (s *Store) Promise(ctx context.Context, device metal.DeviceID, w HardwareWish) (id metal.HardwareReservationID, site metal.SiteID, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if id, site, err = chooseReservation(ctx, query.New(tx), w); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "update devices set hardware_reservation = $1 where id = $2", id, device)
		return err
	})
	return id, site, err
}
