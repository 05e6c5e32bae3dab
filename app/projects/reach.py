"""Where and when projects are: the degrees and months in which each has objects, followed some minutes behind."""

from app.database import Db

MOST_AT_ONCE = 200  # projects a chore


def follow(db: Db) -> int:
    """Projects whose objects have changed since, each in a transaction of its own; how many there were."""
    rows = db.execute(
        """
        select id
        from project
        where reach_version is distinct from data_version
        order by reach_version nulls first, id
        limit %s
        """,
        [MOST_AT_ONCE],
    ).fetchall()
    for row in rows:
        derive(db, row.id)
        # Or what changes a project would wait for the whole list.
        db.commit()
    return len(rows)


def derive(db: Db, project_id: int) -> None:
    """An object's own position counts, else its sample's."""
    # Read before the objects: what changes meanwhile is derived again.
    row = db.execute("select data_version from project where id = %s", [project_id]).fetchone()
    if row is None:
        return
    db.execute("delete from project_reach where project_id = %s", [project_id])
    db.execute(
        """
        insert into project_reach (project_id, latitude_deg, longitude_deg, month)
        select distinct %(project_id)s, floor(latitude)::smallint, floor(longitude)::smallint,
               date_trunc('month', case when isfinite(date) then date end)::date
        from (
            select date,
                   case when place.latitude between -90 and 90 and place.longitude between -360 and 360
                        then place.latitude end as latitude,
                   case when place.latitude between -90 and 90 and place.longitude between -360 and 360
                        then mod((place.longitude + 540)::numeric, 360) - 180 end as longitude
            from object
            join sample on sample.id = object.sample_id
            cross join lateral (
                select coalesce(object.latitude, sample.latitude) as latitude,
                       coalesce(object.longitude, sample.longitude) as longitude
            ) as place
            where object.project_id = %(project_id)s
        ) as taken
        """,
        {"project_id": project_id},
    )
    db.execute("update project set reach_version = %s where id = %s", [row.data_version, project_id])
