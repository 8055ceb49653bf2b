# An AWS Network Load Balancer in front of sallyport gates, for Terraform with the provider hashicorp/aws 5.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.70" }
  }
}

variable "vpc_id" { type = string }

# One in each zone, and best of their own: their ranges are the gates' trusted_proxies.
variable "balancer_subnet_ids" { type = list(string) }

# The gates' addresses in the VPC.
variable "gate_addresses" { type = set(string) }

resource "aws_security_group" "balancer" {
  name   = "sallyport-balancer"
  vpc_id = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "smtp" {
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 25
  to_port           = 25
}

resource "aws_vpc_security_group_egress_rule" "gates" {
  for_each                     = { smtp = 2525, admin = 9525 }
  security_group_id            = aws_security_group.balancer.id
  referenced_security_group_id = aws_security_group.gates.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

# For the gates: nobody but the balancer reaches their two ports.
resource "aws_security_group" "gates" {
  name   = "sallyport-gates"
  vpc_id = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each                     = { smtp = 2525, admin = 9525 }
  security_group_id            = aws_security_group.gates.id
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

resource "aws_lb" "smtp" {
  name                             = "sallyport"
  load_balancer_type               = "network"
  subnets                          = var.balancer_subnet_ids
  security_groups                  = [aws_security_group.balancer.id]
  enable_cross_zone_load_balancing = true
}

resource "aws_lb_listener" "smtp" {
  load_balancer_arn = aws_lb.smtp.arn
  port              = 25
  protocol          = "TCP"
  # Longer than the longest silence of an SMTP session: ten minutes for the reply to a whole message (RFC 5321 4.5.3.2.6). The
  # default, 350 s, would cut that, and the message would come again.
  tcp_idle_timeout_seconds = 660

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gates.arn
  }
}

resource "aws_lb_target_group" "gates" {
  name        = "sallyport-gates"
  vpc_id      = var.vpc_id
  target_type = "ip"
  port        = 2525
  protocol    = "TCP"

  # Version 2, the only one there is. With the client's address in the header, the packets need not have it too.
  proxy_protocol_v2  = true
  preserve_client_ip = false

  # A gate that is taken out keeps its sessions until they end.
  deregistration_delay   = 300
  connection_termination = false
  target_health_state {
    # Otherwise a gate that drains, and says so at /readyz, has all of its sessions reset: within a message, too.
    enable_unhealthy_connection_termination = false
  }

  # Of the admin port, so that no probe reaches SMTP. It comes from the balancer's own, private addresses.
  health_check {
    protocol            = "HTTP"
    port                = 9525
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_target_group_attachment" "gate" {
  for_each         = var.gate_addresses
  target_group_arn = aws_lb_target_group.gates.arn
  target_id        = each.value
}
