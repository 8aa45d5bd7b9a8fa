redis.call('HDEL', KEY, FAMILY)
return {}
