local login = read()
if not login then return {} end
return {login.subject}
