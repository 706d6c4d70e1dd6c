-- What tenants choose from.

-- name: CataloguePlans :many
-- NICs are counted on any machine of the plan: they are all alike.
select p.id, p.description, p.hardware,
    array(select s.id from sites s where exists (select from machines m where m.plan = p.id and m.site = s.id) order by s.id)::text[] as sites,
    (select count(*) from nics n where n.machine = (select m.id from machines m where m.plan = p.id limit 1)) as nics
from plans p order by p.id;

-- name: CatalogueSites :many
select id, metro from sites order by id;
