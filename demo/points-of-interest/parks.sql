-- In which cities is a park of more than 1,000 m² within 50 m of a Main Street?
select distinct p.city_id
  from pois p
  join streets s on s.city_id = p.city_id and st_dwithin(p.geom, s.geom, 50)
 where p.type = 'park' and p.area > 1000 and s.name ilike '%main street%'
