-- Primary schools of European cities that have such a park.
select distinct sc.name, c.name as city
  from schools sc
  join city c on c.city_id = sc.city_id
  join pois p on p.city_id = sc.city_id
  join streets s on s.city_id = p.city_id and st_dwithin(p.geom, s.geom, 50)
 where p.type = 'park' and p.area > 1000 and s.name ilike '%main street%'
   and sc.type = 'primary' and c.country in ('France', 'Italy', 'Spain')
